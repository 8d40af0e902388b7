#!/bin/sh
# Runs every workflow of specs/ and examples/, and the commands of the README, offline with the given armature (default:
# the one on PATH), and with an empty home (default: one of its own).
#
# What is run, and what it must say, stands in README.md and examples/README.md. A block of `yaml` that begins with a
# comment `# NAME.yml` is written to that file. Each command of a `console` block is run; its exit code must be 0 (or the
# one that a comment names), and each line below it must be in what it prints. A line `…` stands for whatever is left out;
# times, tokens and ids are not compared, and `RUN` is the id that was printed last. A workflow that examples/README.md
# does not run is an error, unless it needs a container engine, and so is one that is valid with a warning.
set -eu
armature=${1:-armature}
case $armature in */*) armature=$(cd "$(dirname "$armature")" && pwd)/$(basename "$armature") ;; esac
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export ARMATURE_HOME="${2:-$scratch/home}"
said=$scratch/said
ran=0

# Workflows write files: they run in a copy, from its top, as the READMEs say.
top=$scratch/top
mkdir "$top"
cp -R "$root/README.md" "$root/specs" "$root/examples" "$top"

fail() {
  cat "$said" >&2
  echo "examples: $1" >&2
  exit 1
}

armature() { "$armature" "$@"; }

# What differs from run to run.
steady() {
  sed -E -e 's/Done in [^ ]*/Done in T/' -e 's/ · [0-9,]+ tokens.*$//' -e 's/\([0-9.]+s/(T/' -e 's/[0-9a-f]{12}/ID/g' -e 's/[0-9]{4}-[0-9-]+ [0-9:]+/WHEN/' "$1"
}

# The blocks of a README: `F NAME` begins a file, `| TEXT` is a line of it, `$ COMMAND` a command, `> TEXT` what it prints.
blocks() {
  awk '
    /^```(yaml|console)$/ { kind = substr($0, 4); first = 1; next }
    /^```/ { kind = "" }
    kind == "yaml" && first && /^# [a-z.-]+\.yml/ { kind = "file"; print "F " $2 }
    kind == "file" { print "| " $0 }
    kind == "console" { if (/^\$ /) print; else if ($0 != "…" && $0 != "") print "> " $0 }
    { first = 0 }
  ' "$1"
}

check() {
  cd "$top"
  blocks "$1" >"$scratch/blocks"
  command= file= id=
  while IFS= read -r line; do
    text=${line#??}
    case $line in
      'F '*) file=$text && : >"$file" ;;
      '| '*) printf '%s\n' "$text" >>"$file" ;;
      '$ '*)
        command=$text
        wanted=0 code=0
        case $command in *'# exit code '*) wanted=${command##*'# exit code '} ;; esac
        eval "$(printf '%s\n' "$command" | sed -E "s/(^| )RUN( |\$)/\1$id\2/")" >"$said" 2>&1 </dev/null || code=$?
        [ "$code" = "$wanted" ] || fail "$1: \`$command\` ended with code $code"
        steady "$said" >"$scratch/steady"
        printed=$(grep -oE '[0-9a-f]{12}' "$said" | tail -n 1)
        id=${printed:-$id}
        ran=$((ran + 1))
        ;;
      '> '*)
        printf '%s\n' "$text" >"$scratch/line"
        steady "$scratch/line" >"$scratch/wanted"
        grep -qFx -e "$(cat "$scratch/wanted")" "$scratch/steady" || fail "$1: \`$command\` did not print: $text"
        ;;
    esac
  done <"$scratch/blocks"
}

valid=0
cd "$top"
for spec in specs/*.yml examples/*/*.yml; do
  grep -q '^stages:' "$spec" || continue
  armature validate --plugins examples/plugins "$spec" >"$said" 2>&1 || fail "$spec is not valid"
  ! grep -q '^warning' "$said" || fail "$spec is valid, but with a warning"
  # What needs a container engine is run by the tests that start one.
  if grep -q 'mode: docker' "$spec"; then
    valid=$((valid + 1))
    continue
  fi
  dir=${spec%/*}
  grep -qF -e "\$ armature run $spec" -e "\$ cd $dir" -e "\$ cd ../${dir#*/}" examples/README.md || fail "no README runs $spec"
  valid=$((valid + 1))
done
check examples/README.md
check README.md
echo "$valid workflows are valid, $ran commands print what the READMEs say"

#!/bin/sh
# Runs every workflow of specs/ and examples/ offline with the given armature (default: the one on PATH).
#
# What is run, and what it must say, stands in README.md beside this script: each command of its `console` blocks is run,
# its exit code must be 0 (or the one that a comment names), and each line below it must be in what it prints. A line `…`
# stands for whatever is left out; times, tokens and prices are not compared. A workflow that README.md does not run is an
# error, and so is one that is valid with a warning.
set -eu
armature=${1:-armature}
case $armature in */*) armature=$(cd "$(dirname "$armature")" && pwd)/$(basename "$armature") ;; esac
root=$(cd "$(dirname "$0")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export ARMATURE_HOME="$scratch/home"
said=$scratch/said

# Workflows write files: they run in a copy, from its top, as the README says.
mkdir "$scratch/top"
cp -R "$root/specs" "$root/examples" "$scratch/top"
cd "$scratch/top"
readme=examples/README.md

fail() {
  cat "$said" >&2
  echo "examples: $1" >&2
  exit 1
}

armature() { "$armature" "$@"; }

# What differs from run to run.
steady() { sed -e 's/Done in [^ ]*/Done in T/' -e 's/ · [0-9,]* tokens.*$//' "$1"; }

valid=0
for spec in specs/*.yml examples/*/*.yml; do
  grep -q '^stages:' "$spec" || continue
  armature validate --plugins examples/plugins "$spec" >"$said" 2>&1 || fail "$spec is not valid"
  ! grep -q '^warning' "$said" || fail "$spec is valid, but with a warning"
  grep -qF -e "\$ armature run $spec" -e "\$ cd ${spec%/*}" $readme || fail "$readme does not run $spec"
  valid=$((valid + 1))
done

ran=0
awk '/^```console$/ { on = 1; next } /^```$/ { on = 0 } on' $readme >"$scratch/lines"
while IFS= read -r line; do
  case $line in
    '$ '*)
      command=${line#'$ '}
      wanted=0
      case $command in *'# exit code '*) wanted=${command##*'# exit code '} ;; esac
      code=0
      eval "$command" >"$said" 2>&1 </dev/null || code=$?
      [ "$code" = "$wanted" ] || fail "\`$command\` ended with code $code"
      steady "$said" >"$scratch/steady"
      ran=$((ran + 1))
      ;;
    … | '') ;;
    *)
      printf '%s\n' "$line" >"$scratch/line"
      steady "$scratch/line" >"$scratch/wanted"
      grep -qFx -e "$(cat "$scratch/wanted")" "$scratch/steady" || fail "\`$command\` did not print: $line"
      ;;
  esac
done <"$scratch/lines"
[ "$ran" -ge "$valid" ] || fail "$readme has $ran commands for $valid workflows"
echo "$valid workflows are valid, $ran commands print what $readme says"

#!/bin/sh
# Runs every example offline with the given armature (default: the one on PATH) and checks that each says it is done.
set -eu
armature=${1:-armature}
case $armature in */*) armature=$(cd "$(dirname "$armature")" && pwd)/$(basename "$armature") ;; esac
root=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export ARMATURE_HOME="$scratch/home"

# Examples write files: they run in a copy.
cp -R "$root" "$scratch/examples"
cd "$scratch/examples"
passed=0
for spec in *.yml */spec.yml; do
  case $spec in *.model.yml) continue ;; esac
  "$armature" validate --plugins plugins "$spec" >"$scratch/said" 2>&1 || { cat "$scratch/said"; echo "$spec is not valid" >&2; exit 1; }
  if grep -q '^warning' "$scratch/said"; then cat "$scratch/said"; echo "$spec has warnings" >&2; exit 1; fi
  "$armature" run --plugins plugins "$spec" >"$scratch/said" 2>&1 || { cat "$scratch/said"; echo "$spec failed" >&2; exit 1; }
  grep '^Done in' "$scratch/said" | sed "s|^|$spec: |"
  passed=$((passed + 1))
done
echo "$passed examples ran"

#!/usr/bin/env bash
set -euo pipefail
IFS=$'\n\t'
main() {
  local file="$1"
  local -i n=0
  while IFS= read -r line; do
    n+=1
  done < "$file"
  printf '%s has %d lines\n' "$file" "$n"
}
main words.txt
trap 'echo cleanup' EXIT
[[ -n "${UNSET:-}" ]] || echo 'not set'

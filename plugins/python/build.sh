#!/usr/bin/env bash
# build.sh OUT.wasm      builds the component; build.sh --toolchain   names what it is built with
#
# CPython and its standard library come from componentize-py, in the version below, in a virtual environment of its own:
# what else is installed on this machine must not end up in the component.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
version=0.25.1
[ "$1" != --toolchain ] || { echo "componentize-py-$version"; exit 0; }

out=$(realpath -m "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "componentize-py==$version"
# A copy: the folder's own path would be part of every code object.
cp -r runner "$work/runner"
find "$work/runner" -name __pycache__ -prune -exec rm -rf {} +
wit=$(realpath ../../wit)
cd "$work/runner"
env -i PATH="$PATH" HOME="$work" PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0 \
  "$work/venv/bin/componentize-py" --quiet -d "$wit" -w adapter componentize app -o "$out"

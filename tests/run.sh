#!/bin/sh
# Runs every test. Needs the Rust toolchain and a C compiler, nothing else: the components that the tests call are in
# the repository, models are scripted, servers listen on loopback. Uses cargo-nextest where it is installed.
set -eu
cd "$(dirname "$0")/.."

if ! command -v cargo >/dev/null 2>&1; then
  echo "cargo is missing: install the Rust toolchain (https://rustup.rs)" >&2
  exit 1
fi
if ! command -v "${CC:-cc}" >/dev/null 2>&1; then
  echo "a C compiler is missing (SQLite is built from source): install gcc or clang" >&2
  exit 1
fi

# The components that are committed must be those that their sources give.
bash plugins/build.sh check

if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --locked --workspace "$@"
  cargo test --locked --workspace --doc --quiet
else
  cargo test --locked --workspace "$@"
fi

#!/usr/bin/env bash
# Builds the components that are committed, and checks that they belong to their sources.
#
#   plugins/build.sh check             nothing is built: compare components and sources with the lock
#   plugins/build.sh check --rebuild [--all]   build elsewhere and compare the bytes too; what takes minutes with --all
#   plugins/build.sh build [--all]     build what changed (or everything) and write the lock
#
# Components are committed so that the host builds, and the examples run, without a wasm target. What keeps a committed
# binary honest is plugins/compiled/sources.lock: for every component its sha256, a digest of everything it was made
# from, and the toolchain that made it. The same sources and toolchain give the same bytes in any directory on any
# machine; `check --rebuild` proves it.
set -euo pipefail
export LC_ALL=C

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cd "$root"
lock=plugins/compiled/sources.lock

say() { echo "plugins/build.sh: $*" >&2; }

# What is not built by cargo has a script of its own, which is given the file to write and names its tools.
own_script() { [ -f "$1/build.sh" ]; } # folder

# The target that a plugin is built for: the one that its Cargo.toml names, or the one without any imports.
target_of() { # folder
  local named
  ! own_script "$1" || { echo wasm32-wasip2; return; }
  named=$(sed -n 's/^target = "\(.*\)"$/\1/p' "$1/Cargo.toml")
  echo "${named:-wasm32-unknown-unknown}"
}

# One line a component: its folder and its file.
components() {
  local manifest folder name
  for manifest in plugins/*/plugin.toml; do
    folder=${manifest%/plugin.toml}
    # What is built for WASI has a large library in it: it is committed compressed.
    case $(target_of "$folder") in
      *wasip2) echo "$folder plugins/compiled/${folder##*/}.wasm.zst" ;;
      *) echo "$folder plugins/compiled/${folder##*/}.wasm" ;;
    esac
  done
  for manifest in examples/plugins/*/plugin.toml; do
    [ -f "$manifest" ] || continue
    folder=${manifest%/plugin.toml} name=${manifest%/plugin.toml}
    [ -f "$folder/Cargo.toml" ] && echo "$folder $folder/${name##*/}.wasm"
  done
}

# Everything that can change the bytes of a component.
sources() { # folder
  if own_script "$1"; then
    find "$1" wit -type f ! -name '*.md' ! -name plugin.toml -print
    return
  fi
  find "$1" -name target -prune -o -type f \( -name '*.rs' -o -name '*.wit' -o -name Cargo.toml -o -name Cargo.lock \) -print
  echo plugins/rustc.sh
  [ ! -d "$1/wit" ] || find sdk/rust/embed -name target -prune -o -type f -print
  # One with a lock of its own is a workspace of its own.
  case $1 in plugins/*) [ -f "$1/Cargo.lock" ] || { echo plugins/Cargo.toml; echo plugins/Cargo.lock; } ;; esac
  if grep -q armature-plugin "$1/Cargo.toml"; then
    find wit -type f -name '*.wit'
    find sdk/rust/src sdk/rust/macros sdk/rust/Cargo.toml -name target -prune -o -type f -print
  fi
}

digest() { sources "$1" | sort -u | xargs sha256sum | sha256sum | cut -d' ' -f1; }
sha() { sha256sum "$1" | cut -d' ' -f1; }
locked() { awk -v file="$1" '$1 == file { print $2, $3, $4 }' "$lock" 2>/dev/null || true; } # sha sources toolchain

use_toolchain() {
  sysroot=$(plugins/wasm-target.sh wasm32-unknown-unknown wasm32-wasip2)
  local release commit std=installed
  release=$(rustc -vV | sed -n 's/^release: //p')
  commit=$(rustc -vV | sed -n 's/^commit-hash: //p' | cut -c1-9)
  # A standard library that was built from source is the same everywhere, but it is not the one that Rust distributes.
  [ "$sysroot" = "$(rustc --print sysroot)" ] || std=source
  toolchain=rustc-$release-$commit-std-$std
}

# The tools that a component is made with, in a word.
toolchain_of() { # folder
  if own_script "$1"; then "$1/build.sh" --toolchain; else [ -n "${toolchain:-}" ] || use_toolchain; echo "$toolchain"; fi
}

# Builds the component of a folder into a target directory and prints the file.
compile() { # folder target-dir
  local crate flags index target made=$work/made.wasm
  if own_script "$1"; then
    "$1/build.sh" "$made" >&2
    echo "$made"
    return
  fi
  target=$(target_of "$1")
  crate=$(awk -F'"' '/^name = / && !n++ {print $2}' "$1/Cargo.toml")
  flags="--sysroot=$sysroot"$'\x1f'"--remap-path-prefix=$root=/armature"
  cargo fetch -q --locked --manifest-path "$1/Cargo.toml" --target "$target"
  for index in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do
    flags+=$'\x1f'"--remap-path-prefix=${index%/}=/crates"
  done
  # What build scripts generate lies in the target directory, which is another one when the bytes are compared.
  flags+=$'\x1f'"--remap-path-prefix=$2=/target"
  env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS -u CARGO_BUILD_TARGET -u SOURCE_DATE_EPOCH \
    CARGO_TARGET_DIR="$2" RUSTC_WRAPPER="$root/plugins/rustc.sh" ARMATURE_ROOT="$root" CARGO_ENCODED_RUSTFLAGS="$flags" \
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-component-ld \
    cargo build -q --release --locked --target "$target" --manifest-path "$1/Cargo.toml" --package "$crate" >&2
  cp "$2/$target/release/${crate//-/_}.wasm" "$made"
  chmod 644 "$made"
  # Where the tools are typed functions, their descriptions are the comments in the plugin's own WIT.
  if [ -d "$1/wit" ]; then
    CARGO_TARGET_DIR=$2/embed cargo run -q --locked --manifest-path sdk/rust/embed/Cargo.toml -- "$made" --wit "$1/wit" >&2
  fi
  echo "$made"
}

# Puts a component where it is committed.
pack() { # made file
  case $2 in
    *.zst) zstd -q --ultra -22 -f "$1" -o "$2" && rm "$1" ;;
    *) mv "$1" "$2" ;;
  esac
}

unpacked() { # file
  case $1 in
    *.zst) zstd -q -d -c "$1" ;;
    *) cat "$1" ;;
  esac
}

# A component that names this machine, or that imports WASI without saying so, is not what we promise.
inspect() { # made file folder
  local word words=("$root" "$HOME/" "${CARGO_HOME:-$HOME/.cargo}" "${XDG_CACHE_HOME:-$HOME/.cache}")
  # An interpreter that was compiled elsewhere names the directories of that machine.
  ! own_script "$3" || words=("$root" "$work")
  for word in "${words[@]}"; do
    ! grep -qaF "$word" "$1" || { say "$1 has the path $word in it"; return 1; }
  done
  case $2 in *.zst) return ;; esac
  ! grep -qaE 'wasi:[a-z]+/' "$1" || { say "$1 imports WASI; it should not need it"; return 1; }
}

write_lock() {
  local folder file
  {
    echo "# What the committed components were built from. Written by plugins/build.sh; do not edit."
    echo "# component, its sha256, digest of its sources, toolchain"
    while read -r folder file; do
      awk -v file="$file" '$1 == file' "$work/rows"
    done < <(components)
  } > "$work/lock"
  mv "$work/lock" "$lock"
}

build() { # [--all]
  local folder file row made built=0
  mkdir -p plugins/compiled
  touch "$work/rows"
  while read -r folder file; do
    row=$(locked "$file")
    if [ "${1:-}" != --all ] && [ -f "$file" ] && [ "${row% *}" = "$(sha "$file") $(digest "$folder")" ]; then
      echo "$file $row" >> "$work/rows"
      continue
    fi
    own_script "$folder" || [ -n "${sysroot:-}" ] || use_toolchain
    made=$(compile "$folder" "${CARGO_TARGET_DIR:-$root/plugins/target}")
    inspect "$made" "$file" "$folder"
    pack "$made" "$file"
    echo "$file $(sha "$file") $(digest "$folder") $(toolchain_of "$folder")" >> "$work/rows"
    say "built $file ($(wc -c < "$file") bytes)"
    case $file in *.zst) packed=1 ;; esac
    built=$((built + 1))
  done < <(components)
  write_lock
  # What everybody asks about a compressed component is written down beside it.
  [ -z "${packed:-}" ] || cargo test --quiet --locked --workspace --test packed -- --ignored >&2
  say "$built built, $(($(wc -l < "$work/rows") - built)) up to date"
}

check() {
  local folder file row wrong=0
  components | cut -d' ' -f2 > "$work/known"
  while read -r folder file; do
    row=$(locked "$file")
    if [ ! -f "$file" ]; then
      say "$file is missing"
    elif [ -z "$row" ]; then
      say "$file is not in $lock"
    elif [ "${row%% *}" != "$(sha "$file")" ]; then
      say "$file is not the component that was built: its sha256 is not the one in $lock"
    elif [ "$(cut -d' ' -f2 <<< "$row")" != "$(digest "$folder")" ]; then
      say "$file is older than its sources ($folder, sdk/rust, wit or a Cargo.lock)"
    else
      continue
    fi
    wrong=$((wrong + 1))
  done < <(components)
  while read -r file; do
    grep -qxF "$file" "$work/known" || { say "$file has no sources"; wrong=$((wrong + 1)); }
  done < <(find plugins/compiled examples/plugins -name target -prune -o \( -name '*.wasm' -o -name '*.wasm.zst' \) -print 2>/dev/null)
  [ "$wrong" = 0 ] || { say "$wrong components disagree with their sources; run: plugins/build.sh build"; return 1; }
  say "$(wc -l < "$work/known") components agree with their sources"
}

rebuild() { # [--all]
  local folder file made wrong=0 same=0 other=0
  use_toolchain
  while read -r folder file; do
    # A whole interpreter: its lock is compared always, its bytes where somebody asks for it.
    case $file:${1:-} in *.zst:) say "$file: not built again without --all"; continue ;; esac
    # Started when it is made, and snapshotted with the random numbers that it drew.
    ! own_script "$folder" || { say "$file: not compared, no two builds of it are the same"; continue; }
    made=$(compile "$folder" "$work/target")
    inspect "$made" "$file" "$folder"
    if [ "$(locked "$file" | cut -d' ' -f3)" != "$(toolchain_of "$folder")" ]; then
      other=$((other + 1))
    elif cmp -s "$made" <(unpacked "$file"); then
      same=$((same + 1))
    else
      say "$file: building its sources again gives other bytes"
      wrong=$((wrong + 1))
    fi
  done < <(components)
  [ "$other" = 0 ] || say "$other built, but not compared: committed from another toolchain than $toolchain"
  [ "$wrong" = 0 ] || return 1
  say "$same components are reproduced byte for byte"
}

work=$(mktemp -d "${TMPDIR:-/tmp}/armature-plugins.XXXXXX")
trap 'rm -rf "$work"' EXIT
case "$*" in
  check) check ;;
  "check --rebuild") check && rebuild ;;
  "check --rebuild --all") check && rebuild --all ;;
  build) build ;;
  "build --all") build --all ;;
  *) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac

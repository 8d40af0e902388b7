#!/usr/bin/env bash
# wasm-target.sh [target…]        (default: wasm32-unknown-unknown)
#
# Prints a Rust sysroot that has the standard library for these wasm32 targets. It takes the first of:
#   1. the active toolchain, where the target is installed (`rustup target add` was run);
#   2. a sysroot that an earlier call built, in $XDG_CACHE_HOME/armature/wasm-std;
#   3. one built now from the library's source (about a minute a target): $ARMATURE_RUST_LIBRARY, the toolchain's own
#      `rust-src`, or Debian's package `rust-src` of exactly this compiler's version.
# Otherwise it says the one command that installs the target, and exits 3. It never runs rustup, and changes neither
# the toolchain nor the system's package sources: packages are downloaded by a private apt configuration and unpacked
# into a temporary directory. The paths of this machine are kept out of what it builds.
set -euo pipefail

targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(wasm32-unknown-unknown)
RUSTC=${RUSTC:-rustc}
CARGO_DIR=${CARGO_HOME:-$HOME/.cargo}
version=$("$RUSTC" -vV | sed -n 's/^release: //p')
commit=$("$RUSTC" -vV | sed -n 's/^commit-hash: //p' | cut -c1-9)
installed=$("$RUSTC" --print sysroot)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/armature/wasm-std/$version-$commit

say() { echo "wasm-target: $*" >&2; }
give_up() {
  say "$1"
  say "install the target with:  rustup target add ${targets[*]}"
  exit 3
}

missing_from() { # sysroot → the targets that it has no std for
  local target
  for target in "${targets[@]}"; do
    ls "$1/lib/rustlib/$target/lib/"libstd-*.rlib >/dev/null 2>&1 || echo "$target"
  done
}

[ -n "$(missing_from "$installed")" ] || { echo "$installed"; exit 0; }
mapfile -t missing < <(missing_from "$cache")
[ ${#missing[@]} -gt 0 ] || { echo "$cache"; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Downloads one Debian package, in the version that starts with $2 where that is given, and unpacks it into $work/deb.
debian() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
  local found
  if [ ! -d "$work/apt" ]; then
    local mirror
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 2>/dev/null | awk '/\/debian\/?$/ && !n++') || return 1
    mkdir -p "$work"/apt/{etc/apt.conf.d,etc/preferences.d,state/lists/partial,cache/archives/partial} "$work/deb"
    local keys=/usr/share/keyrings/debian-archive-keyring.gpg suite
    for suite in trixie-backports sid; do
      echo "deb [signed-by=$keys] $mirror $suite main"
    done > "$work/apt/etc/sources.list"
    cat > "$work/apt.conf" <<CONF
Dir::Etc "$work/apt/etc"; Dir::Etc::sourceparts "-"; Dir::State "$work/apt/state"; Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$work/apt/cache"; APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "3";
CONF
    APT_CONFIG=$work/apt.conf apt-get -qq update >&2 2>/dev/null || true
  fi
  found=$(APT_CONFIG=$work/apt.conf apt-cache madison "$1" | awk -v v="${2:-}" '{split($3, a, "[+~-]")} (v == "" || a[1] == v) && !n++ {print $3}')
  [ -n "$found" ] || return 1
  (cd "$work" && APT_CONFIG=$work/apt.conf apt-get -q download "$1=$found" >&2) || return 1
  dpkg-deb --fsys-tarfile "$work/$1"_*.deb | tar -x -C "$work/deb"
}

# The source of the standard library, copied to a place of its own.
if [ -n "${ARMATURE_RUST_LIBRARY:-}" ]; then
  cp -R "$ARMATURE_RUST_LIBRARY" "$work/library"
elif [ -d "$installed/lib/rustlib/src/rust/library/sysroot" ]; then
  cp -R "$installed/lib/rustlib/src/rust/library" "$work/library"
elif say "building std for ${missing[*]} from Debian's rust-src $version"; debian rust-src "$version"; then
  mv "$work/deb/usr/src/rustc-$version/library" "$work/library"
else
  give_up "std for ${missing[*]} is not installed, and there is no library source for rustc $version"
fi
if printf '%s\n' "${missing[@]}" | grep -q wasip; then
  debian wasi-libc || give_up "the WASI targets need a C library, and Debian's wasi-libc is not to be had"
fi

arguments=()
for target in "${missing[@]}"; do arguments+=(--target "$target"); done
RUSTC_BOOTSTRAP=1 cargo fetch -q --locked --manifest-path "$work/library/sysroot/Cargo.toml" >&2
remap=$'--remap-path-prefix='"$work/library=/rustc/$version/library"
for index in "$CARGO_DIR"/registry/src/*/; do
  remap+=$'\x1f--remap-path-prefix='"${index%/}=/rust/deps"
done
# These are the flags with which Rust's own standard library is built.
env -u CARGO_TARGET_DIR -u CARGO_BUILD_TARGET -u RUSTFLAGS -u RUSTC_WRAPPER -u RUSTC_WORKSPACE_WRAPPER \
  RUSTC="$RUSTC" RUSTC_BOOTSTRAP=1 __CARGO_DEFAULT_LIB_METADATA=stablestd \
  CARGO_ENCODED_RUSTFLAGS=$'-Zforce-unstable-if-unmarked\x1f-Cembed-bitcode=yes\x1f'"$remap" \
  cargo build -q --release --locked --manifest-path "$work/library/sysroot/Cargo.toml" --target-dir "$work/target" \
    "${arguments[@]}" --no-default-features --features panic-unwind,backtrace >&2

# A sysroot appears complete or not at all.
for target in "${missing[@]}"; do
  made=$work/made/$target
  mkdir -p "$made/lib/self-contained" "$cache/lib/rustlib"
  cp "$work/target/$target/release/deps/"*.rlib "$made/lib/"
  case $target in
    wasm32-wasip1) libc=wasm32-wasi ;;
    wasm32-wasip2) libc=wasm32-wasip2 ;;
    *) libc= ;;
  esac
  [ -z "$libc" ] || cp "$work/deb/usr/lib/$libc/"{libc.a,crt1-command.o,crt1-reactor.o} "$made/lib/self-contained/"
  rm -rf "$cache/lib/rustlib/$target.new"
  cp -R "$made" "$cache/lib/rustlib/$target.new"
  rm -rf "${cache:?}/lib/rustlib/$target"
  mv "$cache/lib/rustlib/$target.new" "$cache/lib/rustlib/$target"
done
echo "$cache"

#!/bin/sh
# A wrapper around rustc for plugins/build.sh: makes a component the same bytes in whatever directory it is built.
#
# Cargo mixes the absolute path of a crate that lies outside its workspace (sdk/rust, for a plugin) into `-C metadata`,
# which orders what ends up in the component. For crates below the repository this puts the crate's name there instead.
rustc=$1
shift
case "${CARGO_MANIFEST_DIR:-}" in
  "${ARMATURE_ROOT:?}"/*) ;;
  *) exec "$rustc" "$@" ;;
esac
for argument in "$@"; do
  shift
  case $argument in
    metadata=*) argument=metadata=$CARGO_PKG_NAME-$CARGO_PKG_VERSION ;;
  esac
  set -- "$@" "$argument"
done
exec "$rustc" "$@"

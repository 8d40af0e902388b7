build() { echo building; }; test_all() { echo testing "$@"; }; for t in build 'test_all fast'; do $t; done; declare -F | grep -c -E 'build|test_all'

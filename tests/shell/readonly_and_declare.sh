readonly R=1; (R=2) 2>/dev/null; echo $R; declare -i n=3+4; echo $n; declare -u up=abc; echo $up; declare -r q=1; echo $q; export E=1; env | grep ^E=

mkdir -pv a/b/c
mkdir -v q
mkdir q; echo $?
mkdir q r; echo $?; ls -d r
mkdir -p q; echo $?

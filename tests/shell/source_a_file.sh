printf 'lib() { echo lib $1; }\nV=9\n' > lib.sh; source ./lib.sh; lib a; echo $V

f() { local OPTIND o; while getopts 'ab:' o; do case $o in a) echo A;; b) echo B=$OPTARG;; *) echo '?';; esac; done; shift $((OPTIND-1)); echo rest=$*; }; f -a -b x y z 2>/dev/null; f -q 2>/dev/null

set -- one 'two words' three; echo $# "$2"; shift; echo "$1"; for a in "$@"; do echo "<$a>"; done; echo "$*"

warn() { echo "warn: $*" >&2; }; warn a 2>/dev/null; out=$(warn b 2>&1); echo "$out"; { echo o; warn c; } 2>&1 | sort

set -e
trap 'echo "cleanup $?"' EXIT
echo work
false
echo never

# as: file
set -u; echo $undefined; echo never

set -u; echo $undefined; echo never

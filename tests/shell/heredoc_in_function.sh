usage() { cat <<END
usage: $1 [-h]
  -h  help
END
}; usage prog | wc -l; usage prog | head -1

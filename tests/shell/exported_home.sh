env | grep -c ^HOME=; printenv HOME | wc -l; sh -c 'test -n "$HOME"'; echo $?

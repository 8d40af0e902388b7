bash -c 'echo $0 $1' zero one; sh -c 'echo inner; exit 4'; echo $?; bash <<< 'echo stdin'

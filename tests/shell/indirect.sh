a=b; b=c; echo ${!a}; declare -n ref=b; ref=changed; echo $b; eval "x=\$a"; echo $x

a=(x 'y z' w); echo ${#a[@]} "${a[1]}" "${a[@]:1:2}"; a+=(v); a[7]=q; echo "${!a[@]}"; unset 'a[0]'; echo "${a[@]}"; for e in "${a[@]}"; do echo "-$e"; done

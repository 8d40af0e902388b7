echo "outer '$(echo "inner $((1+1))")' end"; v='a "b" c'; echo "$v"; echo "${v//\"/}"; set -- $v; echo $#

name=Ada; echo "hello $name ${name}s ${#name}"; unset name; echo "[${name:-none}]"; echo "${x:=3}" "$x"

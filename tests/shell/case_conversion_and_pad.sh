s=hello; echo ${s^^}; printf '%-8s|%8s|\n' $s $s; echo $s | awk '{print toupper(substr($0,1,1)) substr($0,2)}'; tr '[:lower:]' '[:upper:]' <<< $s; printf '%08.3f\n' 3.14159

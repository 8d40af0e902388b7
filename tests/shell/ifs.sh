IFS=,; read -r a b c <<< 'x,y,z'; echo $a-$b-$c; s='1:2:3'; IFS=: ; set -- $s; echo $#; IFS=$'\n'; for l in $(printf 'a b\nc d'); do echo "[$l]"; done

printf 'abc' | { read -n 2 x; echo $x; }; echo 'a b c' | { read -a arr; echo ${arr[2]}; }; read -d ';' y <<< 'p;q'; echo $y

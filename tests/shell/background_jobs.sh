(echo one) & wait; (exit 3) & wait $!; echo $?; echo done

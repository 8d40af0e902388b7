echo 'single $HOME' "double \"q\" \$x" a\ b $'tab\there' "it's"; echo "a
b"; printf '%s|' a 'b c' ""; echo

n=$(wc -l < words.txt); echo "n=$n"; echo `echo back`; echo "$(echo "a  b")"; v=$(printf 'x\n\n'); echo "[$v]"

true && echo a || echo b; false && echo a || echo b; false || false || echo c; ! false && echo d; true; echo $?; (exit 7); echo $?

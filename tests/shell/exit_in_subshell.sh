(exit 3); echo $?; x=$(exit 4); echo $?; false | (exit 5); echo $?; { (exit 6); } ; echo $?

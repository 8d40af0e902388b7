cp -r notes other; echo more >> other/a.md; diff -r notes other; echo $?

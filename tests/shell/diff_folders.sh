cp -r notes other; echo more >> other/a.md; diff -r notes other; echo $?
mkdir other/new; echo x > other/new/y; rm other/b.md; echo z > notes/z.txt
diff -r notes other; echo $?
diff notes other; echo $?
diff -rq notes other; diff -rqN notes/ other/; echo $?
diff -rN notes other | grep -v '^[<>]'
diff -rs -x '*.txt' -x new notes other | tail -n 1
diff -r -x '[ab].md' --exclude=new --exclude='z*' notes other; echo $?
diff -r -U 0 'notes' other | grep -v '^[-+]'
mkdir other/c; rm other/c.md; mv other/c other/c.md; diff -r notes other | tail -n 1
diff notes/a.md other; diff other notes/a.md | head -n 1
diff -r notes nosuch; echo $?

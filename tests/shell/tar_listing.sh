mkdir d; echo hello > d/f; chmod 640 d/f; chmod 755 d; touch -d '2024-05-01 10:20:30' d/f d; head -c 12345 /dev/zero > z; chmod 600 z; touch -d '2001-02-03' z
tar cf t.tar d z; tar tf t.tar; tar tvf t.tar | sed 's, [^ ]*/[^ ]* *, ,'
tar cvvf u.tar z | sed 's, [^ ]*/[^ ]* *, ,'
tar tf t.tar d; tar tf t.tar d/f nosuch; echo $?; tar tf t.tar --wildcards 'd/*'; wc -c < t.tar
tar cf m.tar --mtime='2020-02-02 02:02' --owner=ann --group=0 z; tar tvf m.tar
touch "a b" ünder; tar cf n.tar "a b" ünder; tar tf n.tar; tar cvf n.tar ünder

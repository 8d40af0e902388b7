t=$(mktemp); echo x > $t; cat $t; rm $t; d=$(mktemp -d); [ -d $d ] && echo dir; echo y > /tmp/armature-test-y; cat /tmp/armature-test-y; rm /tmp/armature-test-y

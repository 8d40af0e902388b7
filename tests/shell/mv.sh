echo x > a1; mv a1 b1; cat b1; mkdir dir; mv b1 dir/; ls dir; mv dir/b1 ./c1; mv dir other; ls -d other; echo y > c2; mv c2 c1; cat c1; mv nope x 2>/dev/null; echo $?

f() { return 300; }; f; echo $?; g() { false; }; g; echo $?; h() { true; return; }; h; echo $?; test 1 -eq 2; echo $?; grep -q x /dev/null; echo $?

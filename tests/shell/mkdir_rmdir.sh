mkdir d; mkdir -p d/e/f; ls d; rmdir d/e/f; ls d/e; mkdir d 2>/dev/null; echo $?; rmdir d 2>/dev/null; echo $?; mkdir -p d

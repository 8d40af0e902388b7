ls; ls -1 notes; ls -d notes; ls notes/a.md words.txt; ls nothing 2>/dev/null; echo $?; ls -R notes

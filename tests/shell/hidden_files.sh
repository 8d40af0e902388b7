echo x > .hidden; ls; ls -A | head -1; echo .h*; cat .hidden; rm .hidden; ls -A | wc -l

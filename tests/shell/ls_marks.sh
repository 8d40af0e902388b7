ls -p | head -3; ls -F notes

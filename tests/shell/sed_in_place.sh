cp words.txt w.txt; sed -i 's/apple/APPLE/' w.txt; head -1 w.txt; sed -i.bak '1d' w.txt; ls w.txt*; sed -n '$=' w.txt

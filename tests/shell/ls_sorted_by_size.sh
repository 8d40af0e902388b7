ls -S words.txt data.json | head -1; ls -1r notes | head -1; ls -l words.txt | awk '{print $5}'; du -b words.txt 2>/dev/null | cut -f1

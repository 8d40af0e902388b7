while read -r line <&4; do echo "<$line>"; done 4<words.txt | head -2

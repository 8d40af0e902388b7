exec 4<words.txt; while read -r line <&4; do echo "<$line>"; done | head -2; exec 4<&-

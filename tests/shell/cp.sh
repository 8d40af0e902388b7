cp words.txt copy.txt; cmp words.txt copy.txt && echo same; cp -r notes n2; ls n2; mkdir into; cp words.txt data.csv into/; ls into; cp nope x 2>/dev/null; echo $?

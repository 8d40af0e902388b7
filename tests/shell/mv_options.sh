mv -n words.txt data.csv; ls
mv -t notes words.txt; ls notes
mv notes sub; ls sub
mv nosuch y; echo $?
mkdir a; mv a a/b; echo $?
mv -f data.csv data.json; cat data.json | head -1

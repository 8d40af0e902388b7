cp -n words.txt data.csv; head -1 data.csv
cp -t notes words.txt data.csv; ls notes
cp -rv notes all | sort
cp notes x; echo $?
cp nosuch y; echo $?
cp words.txt words.txt; echo $?
cp -u words.txt new.txt && cat new.txt | head -1
mkdir p; cp --parents notes/a.md p; find p -type f

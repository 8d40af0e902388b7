tar cvf t.tar words.txt data.csv; rm words.txt; tar xvf t.tar; ls words.txt

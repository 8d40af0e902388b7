tar cvf t.tar words.txt data.csv; rm words.txt; tar xvf t.tar; ls words.txt
tar cv words.txt > u.tar; tar cvf - words.txt | tar xvf -; tar -tf u.tar
tar czvf t.tgz notes/a.md words.txt; mkdir out; tar xzvf t.tgz -C out words.txt; ls out
tar -xvf t.tgz --strip-components=1; ls a.md
tar xvOf t.tar data.csv | head -n 1
tar --create --verbose --file=v.tar notes/c.md; tar --extract --verbose --file v.tar

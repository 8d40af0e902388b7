tar cf a.tar --exclude='*.md' notes; tar tf a.tar; tar cf a.tar --exclude=notes words.txt notes; tar tf a.tar
tar -c -f a.tar -C notes a.md -C .. words.txt; tar tf a.tar
printf 'words.txt\nnotes/b.md\n' > list; tar cf a.tar -T list; tar tf a.tar; find notes -name '*.md' -print0 | sort -z | tar czf a.tgz --null -T -; tar tzf a.tgz
tar rf a.tar data.csv; tar tf a.tar; tar xOf a.tar words.txt data.csv | head -n 3; wc -c < a.tar
mkdir x; tar xf a.tar -C x --exclude='*.csv'; find x | sort
echo changed > words.txt; tar xkf a.tar words.txt; echo $?; cat words.txt; tar xf a.tar --skip-old-files; cat words.txt; tar xf a.tar; head -n 1 words.txt
tar cjf a.tbz words.txt; tar tf a.tbz; tar caf b.tar.gz words.txt; tar tzf b.tar.gz; gzip -dc b.tar.gz | tar t
tar cf dots.tar ./notes; tar tf dots.tar | sort; tar xf dots.tar ./notes/a.md; echo $?; tar tf dots.tar notes; echo $?
cd notes; tar cf ../in.tar .; cd ..; tar tf in.tar | sort; tar -xf in.tar -C x ./c.md; ls x
n=$(printf 'long%.0s' $(seq 40)); mkdir -p $n/$n; echo deep > $n/$n/$n; tar cf l.tar $n; rm -r $n; tar xf l.tar; cat $n/$n/$n

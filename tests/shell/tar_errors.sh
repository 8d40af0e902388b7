tar tf nosuch.tar; echo $?; tar xzf nosuch.tgz; echo $?
tar cf a.tar nosuch words.txt; echo $?; tar tf a.tar
tar cf a.tar; echo $?; tar; echo $?; tar -cxf a.tar words.txt; echo $?; tar --nosuch -cf a.tar words.txt; echo $?
tar tf words.txt; echo $?; tar tzf a.tar; echo $?; : > empty; tar tf empty; echo $?
tar xf a.tar -C nosuch; echo $?; tar xf a.tar nosuch; echo $?
tar czf a.tgz words.txt; tar t < a.tgz; echo $?; head -c 40 a.tgz > cut.tgz; tar tzf cut.tgz > /dev/null; echo $?
tar cf b.tar words.txt data.csv; head -c 600 b.tar > cut.tar; tar xf cut.tar; echo $?
mkdir -p in/deep; cd in; echo x > deep/y; tar cPf ../up.tar deep/../../words.txt deep/y; mkdir out; cd out; tar xvf ../../up.tar; echo $?; ls; cd ../..
tar cf c.tar in/../words.txt "$PWD/data.csv" 2> /dev/null; tar tf c.tar | sed 's,.*/,,'
tar rf a.tgz data.csv; echo $?; tar cf nosuch/a.tar words.txt; echo $?
mkdir -p k/in; echo file > k/in/deep; tar cf d.tar in/deep; tar xf d.tar -C k; ls k/in/deep

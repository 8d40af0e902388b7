d=$(mktemp -d); cp -r notes $d/; mkdir $d/notes/in; echo x > $d/notes/in/x; ls $d/notes
mv $d/notes sub; ls -R sub; ls $d; mv words.txt $d; ls $d; mv -v sub $d/ | wc -l; find $d -type f | wc -l; ls
cp -v $d/words.txt . | wc -l; rm -rf $d; ls $d 2>/dev/null; echo $?

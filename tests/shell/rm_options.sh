rm -v words.txt
rm -rv notes | sort
mkdir e; rm -d e; echo $?
rm -r .; echo $?
rm -rf ..; echo $?
rm -i data.csv </dev/null; ls data.csv
echo y | rm -i data.csv; ls data.csv; echo $?
rm -f; echo $?
rm nosuch data.json; echo $?; ls data.json; echo $?

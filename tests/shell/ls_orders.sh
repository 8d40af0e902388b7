ls -r
ls -1Sr *.txt *.csv *.json
ls -X *.*
touch -d '2020-01-01' words.txt; ls -t *.txt *.csv | tail -1
touch v1.10 v1.9 v1.2; ls -v v1*
ls --sort=size *.txt *.csv | head -1

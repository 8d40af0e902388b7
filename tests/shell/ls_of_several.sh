ls words.txt notes data.csv
ls *.txt nosuch; echo $?
ls -R
ls -m notes
ls -d */
ls --group-directories-first
ls -A --color=never | head -2

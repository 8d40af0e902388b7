f=/a/b/file.tar.gz
echo ${f##*/} ${f%.*} ${f%%.*} ${f#/a}
echo ${f/file/other} ${f//a/A} ${f:3:4} ${f: -2}
s=word; echo ${s^} ${s^^}; t=LOUD; echo ${t,,} ${t,}

cp -v words.txt v.txt | tr -d "'"; mkdir d; mv -v v.txt d/ | tr -d "'"

ls -l | head -1 | cut -d' ' -f1
ls -l words.txt | awk '{print $1, NF, $5, $9}'
ls -l | grep '^d' | awk '{print $NF}'
ls -lh access.log | awk '{print $5}'
ls -ld notes | cut -c1-10
ls -la notes | awk '{print $9}'

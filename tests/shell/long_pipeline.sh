seq 100 | awk '$1%3==0' | sed 's/$/!/' | tr -d '!' | paste -sd, | cut -d, -f1-5 | tr , ' ' | xargs -n1 | sort -rn | head -2

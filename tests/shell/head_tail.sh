head -n 2 words.txt; tail -n 2 words.txt; tail -n +8 words.txt; head -c 5 words.txt; echo; tail -c 4 words.txt; head -n -8 words.txt

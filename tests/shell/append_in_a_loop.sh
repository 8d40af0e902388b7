for i in 1 2 3; do echo line $i >> acc.txt; done; cat acc.txt; : > acc.txt; wc -c < acc.txt

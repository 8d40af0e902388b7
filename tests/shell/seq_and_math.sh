seq 3; seq 2 2 6; seq -s, 3; seq -w 8 10; echo 'scale=3; 10/3' | bc; expr 3 + 4; expr length hello; expr 5 \* 6; factor 12

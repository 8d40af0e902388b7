for n in 1 5 9; do if [ $n -lt 3 ]; then echo small; elif [[ $n -lt 7 ]]; then echo middle; else echo large; fi; done

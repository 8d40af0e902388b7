touch new; [ -f new ] && echo made; wc -c < new; touch -d '2020-01-01 00:00:00 UTC' old; stat -c %Y old; [ new -nt old ] && echo newer; stat -c '%s %F' words.txt; stat -c %n notes

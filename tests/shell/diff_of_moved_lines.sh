diff words.txt <(sort words.txt)

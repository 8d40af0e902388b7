fmt -w 20 <<< 'a long line of words that is wrapped'

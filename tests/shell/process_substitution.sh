diff <(sort words.txt) <(sort -u words.txt) > /dev/null && echo same || echo differ; paste <(echo a) <(echo b); cat <(echo one) <(echo two)

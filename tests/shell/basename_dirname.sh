basename /a/b/c.txt; basename /a/b/c.txt .txt; dirname /a/b/c.txt; realpath --relative-to=. notes/../words.txt; readlink -f words.txt | xargs basename

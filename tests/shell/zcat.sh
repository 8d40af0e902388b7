gzip -k words.txt; zcat words.txt.gz | head -1

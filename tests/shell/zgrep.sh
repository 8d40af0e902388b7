gzip -k words.txt; gzip access.log
zgrep -c banana words.txt.gz; zgrep apple words.txt.gz; zgrep -n 500 access.log.gz | head -2; zgrep nosuch words.txt.gz; echo $?
zcat access.log.gz | wc -l; zcat words.txt.gz access.log.gz | wc -l; gunzip -c words.txt.gz | head -1; gzip -c words.txt | zcat | tail -1; zcat nosuch; echo $?

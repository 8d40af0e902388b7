printf hello | sha256sum; printf hello | md5sum; printf hello | sha1sum; sha256sum words.txt > sums; sha256sum -c sums; printf hello | cksum

printf 'hello world' | base64; printf aGVsbG8= | base64 -d; echo; head -c 100 /dev/zero | base64 -w 0; echo; printf hello | od -An -tx1; printf hi | xxd -p

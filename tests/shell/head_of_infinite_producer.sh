yes ok | head -3; while :; do echo x; done | head -2; seq 1 1000000 | head -1; cat /dev/zero | head -c 3 | wc -c

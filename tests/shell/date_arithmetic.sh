d=$(date -u -d '2024-03-01' +%s); echo $d; date -u -d @$((d-86400)) +%F; date -u -d 2024-07-04 +%A,%B,%U,%u; [ $(date +%Y) -ge 2024 ] && echo now

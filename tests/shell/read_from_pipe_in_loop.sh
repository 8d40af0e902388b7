count=0; printf 'a\nb\n' | while read -r l; do count=$((count+1)); echo $l$count; done; echo $count; while read -r l; do count=$((count+1)); done < <(printf 'a\nb\n'); echo $count

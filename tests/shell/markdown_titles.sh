for f in notes/*.md; do printf '%s: %s\n' "$(basename $f .md)" "$(grep -m1 '^# ' $f | sed 's/^# //')"; done

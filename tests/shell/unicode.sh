echo 'grüße 日本'; s='日本語'; echo ${#s} ${s:1:1}; printf '%s\n' ä b a | sort | tail -1

while IFS== read -r k v; do case $k in ''|\#*) continue;; esac; printf '%s -> %s\n' "$k" "${v%\"}"; done <<'END'
# c
A=1
B=two words
END

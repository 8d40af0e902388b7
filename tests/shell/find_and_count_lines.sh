find . -name '*.md' | sort | while read -r f; do printf '%s %s\n' "$(wc -l < "$f")" "$f"; done

for f in *.txt; do mv "$f" "${f%.txt}.bak"; done; ls; for f in *.bak; do cp "$f" "$(basename $f .bak).txt"; done; ls
find . -name '*.bak' -exec rm {} \; ; ls; find . -name '*.md' | xargs rm -v | wc -l; \rm -f data.csv; command ls; ls | xargs -n1 ls -d
touch 'a b'; ls; rm 'a b'; mkdir -p x/y/z && rm -r x && ls; touch ./-f; rm -- -f; ls
mkdir -m 700 priv; ls -ld priv | cut -c1-10; days=$(( ($(date -d 2024-03-01 +%s) - $(date -d 2024-02-01 +%s)) / 86400 )); echo $days

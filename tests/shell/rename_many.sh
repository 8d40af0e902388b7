for f in notes/*.md; do mv "$f" "${f%.md}.txt"; done; ls notes

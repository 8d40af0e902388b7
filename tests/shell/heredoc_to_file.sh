cat > out.md <<END
# Title

- $(wc -l < words.txt) words
END
cat out.md; wc -l < out.md

set -x 2>/dev/null; set +x; set -f; echo *.md; set +f; echo *.md; set -o noclobber; echo a > c.txt; (echo b > c.txt) 2>/dev/null; cat c.txt; echo c >| c.txt; cat c.txt

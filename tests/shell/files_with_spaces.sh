mkdir 'a dir'; echo x > 'a dir/b c.txt'; for f in a*/*; do echo "[$f]"; cat "$f"; done; find . -name '* *' -type f; rm 'a dir/b c.txt'; rmdir 'a dir'; ls

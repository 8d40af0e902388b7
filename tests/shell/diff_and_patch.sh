cp -r notes old; sed -i 's/words/terms/' notes/a.md; echo 'TODO three' >> notes/c.md
diff -ru old notes | sed 's/\t.*//' > change.patch; cat change.patch
cp old/a.md a.md; diff -u old/a.md notes/a.md > a.patch; patch a.md < a.patch > /dev/null && cmp a.md notes/a.md && echo patched

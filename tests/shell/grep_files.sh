grep -r TODO notes | sort; grep -l TODO notes/*.md; grep -L TODO notes/*.md; grep -rn --include=*.md TODO . | sort; grep -h TODO notes/*.md; grep -c TODO notes/*.md

shopt -s extglob; for f in a.txt b.md c.sh; do case $f in !(*.md)) echo $f;; esac; done; echo ${PWD+set}

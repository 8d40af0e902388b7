for w in apple banana 42 '' Zed; do case $w in a*|b*) echo fruit;; [0-9]*) echo number;; '') echo empty;; *) echo other;; esac; done

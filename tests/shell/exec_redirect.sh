exec > all.txt; echo to file; exec > /dev/null; echo gone; cat all.txt >&2; exit 3

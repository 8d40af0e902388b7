exec 3>fd.txt; echo three >&3; exec 3>&-; cat fd.txt

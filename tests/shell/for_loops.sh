for i in 1 2 3; do echo $i; done; for ((i=0;i<3;i++)); do echo c$i; done; for i in {1..5..2} {a..c}; do echo $i; done; for f in *.md nothing*.x; do echo $f; done

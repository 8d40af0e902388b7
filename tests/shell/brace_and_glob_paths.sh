mkdir -p src/{a,b}/{x,y}; touch src/{a,b}/{x,y}/f.txt; find src -name f.txt | wc -l; ls -d src/*/y; shopt -s globstar; echo src/**/f.txt | wc -w

greet() { local who=${1:-nobody}; echo "hi $who"; return 3; }; greet Ada; echo $?; greet; f() { echo $1; [ $1 -gt 0 ] && f $(($1-1)); }; f 3; echo end

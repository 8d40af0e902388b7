no-such-command-here 2>/dev/null; echo $?

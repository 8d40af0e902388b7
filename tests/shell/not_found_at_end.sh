no-such-command-here

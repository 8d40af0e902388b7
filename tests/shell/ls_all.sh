ls -a notes

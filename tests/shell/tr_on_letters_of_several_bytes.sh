echo 'é' | tr é e

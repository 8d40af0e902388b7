echo hi; exit 42

printf '=%.0s' {1..10}; echo; printf '%s-%s\n' a b c d; printf '%b\n' 'a\tb'; printf '%5.1f%%\n' 12.345

ver() { printf '%03d%03d%03d' $(echo "$1" | tr . ' '); }; [ $(ver 1.10.0) -gt $(ver 1.9.9) ] && echo newer; printf '1.2\n1.10\n' | sort -V | tail -1

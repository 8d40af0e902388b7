cat > app.ini <<'END'
[main]
host = localhost
port = 8080
END
port=$(sed -n 's/^port *= *//p' app.ini); echo $port; awk -F' *= *' '/=/{print $1"->"$2}' app.ini; grep -q '^host' app.ini && sed -i 's/localhost/example.org/' app.ini; cat app.ini

date -u -d @0 +%Y-%m-%dT%H:%M:%SZ; date -u -d '2024-02-29 12:00' +%j; date -u -d '2024-01-31 + 1 day' +%F; date -u -d @86400 '+%a %b %e'

date -u -d '2024-12-25 -1 week' +%m/%d

for text in '2024-12-25 -1 week' '2024-12-25 +3 days' '2024-12-25 3 days ago' '2024-12-25 tomorrow' '2024-12-25 next month' \
  '2024-12-25 -2 weeks +1 day' '2024-01-31 +1 month' '2024-03-31 -1 month' '2024-02-29 +1 year' '2024-12-25 - 1 month' \
  '2024-12-25 last week' '2024-12-25 2 fortnights ago' '2024-01-01 00:00:00 90 minutes' 'yesterday 2024-12-25'; do
  date -u -d "$text" '+%F %T'
done

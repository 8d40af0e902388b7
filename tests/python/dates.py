from datetime import date, datetime, timedelta, timezone
day = date(2024, 2, 28)
print(day + timedelta(days=2), day.strftime("%A %d %B %Y"), day.isocalendar().week)
moment = datetime(2024, 5, 17, 13, 45, 30, tzinfo=timezone.utc)
print(moment.isoformat(), moment.astimezone(timezone(timedelta(hours=2))).isoformat())
print((datetime(2024, 12, 25) - datetime(2024, 1, 1)).days)

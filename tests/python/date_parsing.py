from datetime import datetime
for text, form in [("2024-03-09", "%Y-%m-%d"), ("17/05/24 08:30", "%d/%m/%y %H:%M")]:
    print(datetime.strptime(text, form))
print(datetime.fromisoformat("2024-01-31T10:20:30+01:00").utcoffset())
try:
    datetime.strptime("2024-13-01", "%Y-%m-%d")
except ValueError:
    print("no such month")

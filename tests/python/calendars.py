import calendar
print(calendar.month(2024, 2))
print(calendar.isleap(1900), calendar.monthrange(2023, 11)[1])

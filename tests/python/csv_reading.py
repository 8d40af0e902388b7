import csv
with open("data.csv", newline="") as file:
    people = list(csv.DictReader(file))
people.sort(key=lambda row: (-int(row["age"]), row["name"]))
for row in people:
    print(row["name"], row["age"], row["city"])

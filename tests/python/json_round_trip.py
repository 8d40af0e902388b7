import json
with open("data.json") as file:
    shop = json.load(file)
shop["total"] = sum(item["price"] for item in shop["items"])
print(json.dumps(shop, indent=2, sort_keys=True, ensure_ascii=False))

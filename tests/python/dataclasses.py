from dataclasses import dataclass, field, asdict, replace
@dataclass(order=True, frozen=True)
class Item:
    price: float
    name: str = field(compare=False)
    tags: list = field(default_factory=list, compare=False)
items = [Item(3.5, "tea"), Item(1.0, "milk", ["cold"])]
print(sorted(items)[0], asdict(replace(items[0], name="coffee")))
try:
    items[0].price = 1
except Exception as error:
    print(type(error).__name__)

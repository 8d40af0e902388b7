def told(value):
    match value:
        case {"kind": "circle", "r": r}: return f"circle {r}"
        case [x, y]: return f"pair {x} {y}"
        case [first, *_]: return f"list from {first}"
        case int() | float() as n if n < 0: return "negative"
        case str(text): return text.upper()
        case None: return "nothing"
        case _: return "other"
print([told(v) for v in [{"kind": "circle", "r": 2, "more": 1}, (1, 2), [3, 4, 5], -1.5, "tea", None, 7]])

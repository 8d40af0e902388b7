try:
    raise ExceptionGroup("many", [ValueError(1), TypeError("x"), KeyError("k")])
except* (ValueError, KeyError) as group:
    print(sorted(type(e).__name__ for e in group.exceptions))
except* TypeError as group:
    print("types", len(group.exceptions))

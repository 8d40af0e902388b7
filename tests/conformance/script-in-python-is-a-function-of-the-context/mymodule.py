def f(context, limit=2):
    words = context["text"].split()
    return {"first": words[:limit], "count": len(words)}

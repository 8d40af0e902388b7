import json
for text in ['{"a": 1,}', "[1, 2", "nan", '"\\x"']:
    try:
        print(json.loads(text))
    except json.JSONDecodeError as error:
        print(type(error).__name__, error.lineno)

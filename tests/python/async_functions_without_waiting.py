import asyncio
async def double(n): return n * 2
async def main():
    return [await double(n) for n in range(4)]
coroutine = main()
try:
    coroutine.send(None)
except StopIteration as stop:
    print(stop.value)

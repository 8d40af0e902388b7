print("begin")
numbers = [1, 2]
print(numbers[5])

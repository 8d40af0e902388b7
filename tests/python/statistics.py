import statistics as s
data = [2, 4, 4, 4, 5, 5, 7, 9]
print(s.mean(data), s.median(data), s.mode(data), s.pstdev(data), s.quantiles(data, n=4))
print(round(s.correlation([1, 2, 3, 4], [2, 4, 5, 9]), 4))

import heapq, bisect
heap = [5, 1, 4]
heapq.heapify(heap)
heapq.heappush(heap, 0)
print([heapq.heappop(heap) for _ in range(4)], heapq.nlargest(2, [3, 9, 1]), list(heapq.merge([1, 4], [2, 3])))
print(bisect.bisect_left([1, 3, 5], 3), bisect.bisect_right([1, 3, 5], 3))

from itertools import accumulate, chain, combinations, groupby, islice, product, zip_longest, pairwise
print(list(accumulate([1, 2, 3, 4])), list(islice(chain("ab", "cd"), 3)))
print(list(combinations("abc", 2)), list(product([0, 1], repeat=2)))
print([(key, len(list(group))) for key, group in groupby("aabbbc")])
print(list(zip_longest([1, 2], [3], fillvalue=0)), list(pairwise([1, 2, 3])))

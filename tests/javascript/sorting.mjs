const people = [["Ada", 36], ["Bob", 25], ["Cleo", 36], ["Dan", 25]];
console.log(people.toSorted((p, q) => q[1] - p[1] || (p[0] < q[0] ? -1 : 1)).map((p) => p[0]).join());
console.log([10, 9, 1].sort().join(), [10, 9, 1].sort((p, q) => p - q).join(), ["b", "a"].reverse().join());

const counts = new Map();
for (const word of "b a b c b a".split(" ")) counts.set(word, (counts.get(word) ?? 0) + 1);
console.log([...counts].sort((x, y) => y[1] - x[1] || x[0].localeCompare(y[0])).map(([k, v]) => k + v).join(" "));
const set = new Set([3, 1, 3, 2]);
console.log(set.size, [...set].join(), set.has(2), [...new Set([...set].filter((x) => x > 1))].length);
const weak = new WeakMap(); const key = {}; weak.set(key, 1);
console.log(weak.get(key), Object.fromEntries(counts).b);

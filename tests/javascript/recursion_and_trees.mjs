const tree = { v: 1, kids: [{ v: 2, kids: [] }, { v: 3, kids: [{ v: 4, kids: [] }] }] };
const total = (node) => node.v + node.kids.reduce((n, kid) => n + total(kid), 0);
const depth = (node) => 1 + Math.max(0, ...node.kids.map(depth));
const hanoi = (n, a, b, c) => (n === 0 ? 0 : hanoi(n - 1, a, c, b) + 1 + hanoi(n - 1, c, b, a));
console.log(total(tree), depth(tree), hanoi(6, "a", "b", "c"));
const permutations = (items) => items.length < 2 ? [items] : items.flatMap((x, i) => permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((p) => [x, ...p]));
console.log(permutations([1, 2, 3]).map((p) => p.join("")).join());

const { a, b: { c = 5, ...others }, missing = "none" } = { a: 1, b: { d: 2, e: 3 } };
const [x, , y = 9, ...rest] = [1, 2, undefined, 4, 5];
console.log(a, c, JSON.stringify(others), missing, x, y, rest.join());
const swap = ([p, q]) => [q, p];
console.log(swap([1, 2]).join(), ((first, { second } = {}) => [first, second].join())(1), [..."héy"].length);

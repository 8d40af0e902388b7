const list = [1, 2, 3, 4, 5, 6];
console.log(list.filter((n) => n % 2).map((n) => n * n).reduce((p, q) => p + q), list.findLast((n) => n < 4), list.at(-1), list.slice(1, -2).join());
console.log([[1, [2]], 3].flat(Infinity).join(), list.some((n) => n > 5), list.every(Number.isInteger), list.includes(3), list.indexOf(9));
console.log(Array.from({ length: 3 }, (_, i) => i * 2).join(), [1, 2, 3].with(1, 9).join(), [3, 1].concat([2], 5).join(), list.flatMap((n) => (n > 4 ? [n, n] : [])).join());
list.splice(1, 2, "x"); console.log(list.join(), [..."ab"].entries().next().value.join(), new Array(3).fill(0).join());

console.log(JSON.stringify([undefined, () => 1, Symbol("x"), Infinity, -0, new Map([[1, 2]]), "\u2028<>"]));
console.log(JSON.stringify({ toJSON: () => ({ custom: true }) }), JSON.stringify("é\n\t\""), JSON.stringify({ a: 1, b: 2, c: 3 }, ["a", "c"]), JSON.stringify(undefined));

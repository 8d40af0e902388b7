const data = { b: 1, a: [1, null, undefined, "x"], d: new Date(0), u: undefined, n: NaN };
console.log(JSON.stringify(data));
console.log(JSON.stringify({ x: [1, { y: 2 }] }, null, 2));
console.log(JSON.parse('{"a": [1, 2.5e3, "\\u00e9"]}', (key, value) => (key === "a" ? value.length : value)).a);

const rows = "name,age\nAda,36\nBob,25\n\"X, Y\",9".split("\n").map((line) => [...line.matchAll(/("([^"]*)"|[^,]+)/g)].map((m) => m[2] ?? m[1]));
const [head, ...body] = rows;
const people = body.map((row) => Object.fromEntries(row.map((cell, i) => [head[i], cell])));
console.log(JSON.stringify(people), people.reduce((n, p) => n + Number(p.age), 0));

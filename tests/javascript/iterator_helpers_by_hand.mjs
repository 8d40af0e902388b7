function* take(n, it) { for (const x of it) { if (n-- <= 0) return; yield x; } }
function* map(f, it) { for (const x of it) yield f(x); }
function* count() { let i = 0; try { while (true) yield i++; } finally { console.log("closed"); } }
console.log([...take(4, map((x) => x * x, count()))].join());

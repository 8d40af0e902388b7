const equal = (a, b) => a === b || (typeof a === "object" && typeof b === "object" && a && b && Object.keys(a).length === Object.keys(b).length && Object.keys(a).every((k) => equal(a[k], b[k])));
const clone = (o) => (o && typeof o === "object" ? (Array.isArray(o) ? o.map(clone) : Object.fromEntries(Object.entries(o).map(([k, v]) => [k, clone(v)]))) : o);
const original = { a: [1, { b: 2 }], c: "x" }; const copy = clone(original);
console.log(equal(original, copy), original !== copy, (copy.a[1].b = 3, equal(original, copy)));

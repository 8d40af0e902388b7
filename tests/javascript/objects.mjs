const base = { greet() { return "hi " + this.name; } };
const ada = Object.assign(Object.create(base), { name: "Ada" });
console.log(ada.greet(), Object.entries({ x: 1, y: 2 }).map(([k, v]) => k + v).join(), "greet" in ada, Object.hasOwn(ada, "greet"));
const frozen = Object.freeze({ n: 1 });
try { frozen.n = 2; } catch (error) { console.log(error.name); }
const merged = { ...{ a: 1, b: 2 }, b: 3, ["c" + 1]: 4, get d() { return 5; } };
console.log(JSON.stringify(merged), structure({ a: { b: 1 } }), Object.keys({ 2: 0, 1: 0, b: 0, a: 0 }).join());
function structure(o) { return o?.a?.b + (o?.x?.y ?? "!"); }

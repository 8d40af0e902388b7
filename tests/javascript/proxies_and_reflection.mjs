const seen = [];
const proxy = new Proxy({ a: 1 }, { get: (t, k) => { seen.push(String(k)); return Reflect.get(t, k) ?? `no ${String(k)}`; }, has: () => true, deleteProperty: () => true });
console.log(proxy.a, proxy.b, "zzz" in proxy, delete proxy.a, seen.join());
console.log(Reflect.ownKeys({ x: 1, [Symbol("s")]: 2 }).length, Object.getOwnPropertyNames(class { static m() {} }).includes("m"));

const double = async (n) => n * 2;
async function all() { const out = []; for (const n of [1, 2, 3]) out.push(await double(n)); return out; }
console.log((await all()).join());
console.log((await Promise.all([double(1), 5, Promise.resolve(6)])).join());
const settled = await Promise.allSettled([double(2), Promise.reject(new Error("no"))]);
console.log(settled.map((s) => s.status).join(), await Promise.race([double(9), double(1)]), await Promise.any([Promise.reject(1), double(3)]));
try { await (async () => { throw new TypeError("bad"); })(); } catch (error) { console.log(error.name, error.message); } finally { console.log("finally"); }

const log = [];
await Promise.resolve(1).then((n) => n + 1).then((n) => { log.push(n); throw new Error("stop"); }).then(() => log.push("never")).catch((e) => { log.push(e.message); return "back"; }).finally(() => log.push("always")).then((v) => log.push(v));
console.log(log.join());
const { promise, resolve } = (() => { let resolve; const promise = new Promise((r) => { resolve = r; }); return { promise, resolve }; })();
resolve("kept"); console.log(await promise);

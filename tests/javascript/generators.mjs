function* naturals(end) { for (let i = 1; i <= end; i++) { const got = yield i; if (got) console.log("got " + got); } return "end"; }
const g = naturals(3);
console.log(g.next().value, g.next("mail").value, g.next().value, JSON.stringify(g.next()));
function* both() { yield* naturals(2); yield* "xy"; }
console.log([...both()].join());
const once = { *[Symbol.iterator]() { yield 1; yield 2; } };
console.log(Math.max(...once), Array.from(once, (x) => x * 10).join());

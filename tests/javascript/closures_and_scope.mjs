const makers = [];
for (let i = 0; i < 3; i++) makers.push(() => i);
console.log(makers.map((f) => f()).join(), typeof hoisted, hoisted2());
var hoisted = 1;
function hoisted2() { return "up"; }
const counter = (() => { let n = 0; return { next: () => ++n, reset() { n = 0; } }; })();
counter.next(); counter.next(); console.log(counter.next()); counter.reset(); console.log(counter.next());
try { tdz; let tdz = 1; } catch (error) { console.log(error.name); }

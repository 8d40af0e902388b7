console.log("1");
queueMicrotaskLike(() => console.log("3"));
Promise.resolve().then(() => console.log("4")).then(() => console.log("6"));
(async () => { await null; console.log("5"); })();
console.log("2");
function queueMicrotaskLike(f) { Promise.resolve().then(f); }
await new Promise((resolve) => Promise.resolve().then(() => {}).then(() => {}).then(resolve));

let a = null; a ??= 5; let b = 0; b ||= 7; let c = 1; c &&= 9;
console.log(a, b, c, a > 3 ? "big" : "small", void 0, typeof null, (1, 2), !!"", [1, 2, 3].length > 2 && "yes");
label: for (let i = 0; i < 3; i++) { for (let j = 0; j < 3; j++) { if (j === 1) continue label; if (i === 2) break label; console.log(i, j); } }
switch (3) { case 1: console.log("one"); case 3: console.log("three"); case 4: console.log("four"); break; default: console.log("no"); }
do { c--; } while (c > 5); console.log(c);
for (const key in { x: 1, y: 2 }) console.log(key);

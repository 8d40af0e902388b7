async function* numbers() { for (let i = 0; i < 3; i++) yield i * i; }
let sum = 0;
for await (const n of numbers()) sum += n;
for await (const n of [Promise.resolve(10), 20]) sum += n;
console.log(sum);

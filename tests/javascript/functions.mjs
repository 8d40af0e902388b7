function sum(...numbers) { return numbers.reduce((p, q) => p + q, 0); }
const curry = (f) => function next(...args) { return args.length >= f.length ? f(...args) : (...more) => next(...args, ...more); };
console.log(sum(1, 2, 3), sum.apply(null, [4, 5]), sum.call(null, 6), curry((p, q, r) => p + q + r)(1)(2)(3), sum.bind(null, 10)(1));
console.log(((x, y = x * 2) => x + y)(3), (function () { return arguments.length; })(1, 2), sum.name, curry.length);
const memo = new Map(); const fib = (n) => n < 2 ? n : memo.get(n) ?? (memo.set(n, fib(n - 1) + fib(n - 2)), memo.get(n));
console.log(fib(70));

console.log(0.1 + 0.2, (1234.5678).toFixed(2), (255).toString(16), parseInt("12px"), Number(""), Number("x"), 7 % -3, -7 % 3, 2 ** 10);
console.log(Number.MAX_SAFE_INTEGER, (25).toString(2), parseFloat("3.14abc"), (0.000001234).toExponential(2), 1e21, 1 / 3, -0 === 0, Object.is(-0, 0));
console.log(Math.max(), Math.hypot(3, 4), Math.trunc(-4.7), Math.sign(-3), Math.round(2.5), Math.round(-2.5), Math.cbrt(27), Math.log2(8), Math.fround(5.5));
console.log((123.456).toPrecision(4), Number.EPSILON > 0, isFinite("12"), 5 & 3, 5 | 3, 5 ^ 3, ~5, -1 >>> 28, 1 << 4);

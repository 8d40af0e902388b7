console.log(String(2n ** 100n), String(-7n / 2n), String(BigInt("123456789012345678901234567890") % 97n), typeof 1n, 2n > 1, 1n == 1);
try { 1n + 1; } catch (error) { console.log(error.name); }
console.log(BigInt.asUintN(8, 257n).toString(), (255n).toString(16), [3n, 1n, 2n].sort().map(String).join());

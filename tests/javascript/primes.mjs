const sieve = (n) => { const is = new Uint8Array(n + 1).fill(1); for (let i = 2; i * i <= n; i++) if (is[i]) for (let j = i * i; j <= n; j += i) is[j] = 0; return [...is.keys()].filter((i) => i > 1 && is[i]); };
console.log(sieve(50).join(), sieve(10000).length);

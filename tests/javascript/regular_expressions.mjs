const log = "10.0.0.1 GET /a 200\n10.0.0.2 POST /b 500";
for (const m of log.matchAll(/^(?<ip>[\d.]+) (GET|POST) (\S+) (?<code>\d{3})$/gm)) console.log(m.groups.ip, m[3], m.groups.code);
console.log("2024-05-17".replace(/(\d+)-(\d+)-(\d+)/, "$3.$2.$1"), "a1b22".match(/\d+/g).join());
console.log("x".replace(/x/, (m) => m + m), /^\p{Lu}/u.test("Éa"), "a, b;c".split(/[,;]\s*/).length, /(?<=\$)\d+/.exec("a $42")[0]);

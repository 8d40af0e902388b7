const text = "the quick brown fox jumps over the lazy dog the end";
const counts = text.split(/\s+/).reduce((all, word) => ({ ...all, [word]: (all[word] ?? 0) + 1 }), {});
const top = Object.entries(counts).sort((p, q) => q[1] - p[1] || p[0].localeCompare(q[0])).slice(0, 3);
console.log(top.map(([word, n]) => `${word}: ${n}`).join("\n"));

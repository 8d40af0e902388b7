console.log("tea".padStart(6, ".") + "|" + "tea".padEnd(5) + "|", "a-b-c".replaceAll("-", "+"), "  x ".trim().length, "abc".at(-1));
console.log("é".normalize("NFD").length, "x".repeat(3), "Tea".codePointAt(0), String.fromCodePoint(128512).length, "a,b".split(",").length);
console.log(`${1 + 1} and ${["x"].map((v) => `${v}!`)}`, String.raw`\n${1}`, "abc".substring(1), "z".localeCompare("a"), "ß".toUpperCase());
console.log("The End".startsWith("The"), "The End".lastIndexOf("e"), escapeHtml("<a & b>"));
function escapeHtml(text) { return text.replace(/[<>&]/g, (c) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;" })[c]); }

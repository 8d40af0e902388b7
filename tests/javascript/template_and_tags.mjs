const tag = (parts, ...values) => parts.raw.map((part, i) => part + (values[i] !== undefined ? `[${values[i]}]` : "")).join("");
console.log(tag`a${1}b${"x"}c`, tag`\t`, `line 1
line 2`);

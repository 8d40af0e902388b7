import { readText } from "armature";

export function top(context, { path, n = 3 }) {
  const words = {};
  for (const [word] of readText(path).toLowerCase().matchAll(/[a-z]+/g)) words[word] = (words[word] ?? 0) + 1;
  const best = Object.entries(words).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return { top: best.slice(0, n).map(([word, count]) => `${word} ${count}`) };
}

const multiply = (a, b) => a.map((row) => b[0].map((_, j) => row.reduce((n, v, k) => n + v * b[k][j], 0)));
const transpose = (m) => m[0].map((_, i) => m.map((row) => row[i]));
console.log(JSON.stringify(multiply([[1, 2], [3, 4]], [[5, 6], [7, 8]])), JSON.stringify(transpose([[1, 2, 3], [4, 5, 6]])));

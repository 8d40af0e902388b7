const search = (list, wanted, low = 0, high = list.length - 1) => { while (low <= high) { const mid = (low + high) >> 1; if (list[mid] === wanted) return mid; if (list[mid] < wanted) low = mid + 1; else high = mid - 1; } return -1; };
const list = Array.from({ length: 1000 }, (_, i) => i * 3);
console.log(search(list, 297), search(list, 298), search([], 1));

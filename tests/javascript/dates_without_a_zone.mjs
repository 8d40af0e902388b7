const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const d = new Date("2024-02-29T00:00:00Z");
console.log(days[d.getUTCDay()], d.toJSON(), new Date(2e12).getUTCFullYear(), Date.parse("2024-01-01"));
const add = (date, n) => new Date(date.getTime() + n * 864e5).toISOString().slice(0, 10);
console.log([1, 30, 366].map((n) => add(d, n)).join());

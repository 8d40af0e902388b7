const day = new Date(Date.UTC(2024, 1, 28, 12, 30));
day.setUTCDate(day.getUTCDate() + 2);
console.log(day.toISOString(), day.getUTCDay(), day.getTime());
console.log(new Date("2024-05-17T10:00:00+02:00").toISOString(), Number.isNaN(new Date("nonsense").getTime()));
console.log((Date.UTC(2024, 11, 25) - Date.UTC(2024, 0, 1)) / 86400000, typeof Date.now());

console.log("begin");
const numbers = undefined;
console.log(numbers.length);

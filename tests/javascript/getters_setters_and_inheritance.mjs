class Temperature { static #made = 0; #c = 0; constructor(c) { this.#c = c; Temperature.#made++; } get f() { return this.#c * 1.8 + 32; } set f(v) { this.#c = (v - 32) / 1.8; } get c() { return this.#c; } static get made() { return this.#made; } static { this.ready = true; } #hidden() { return "h"; } show() { return this.#hidden() + (#c in this); } }
const t = new Temperature(100); t.f = 50;
console.log(t.f, t.c, Temperature.made, Temperature.ready, t.show());
class Stack extends Array { peek() { return this[this.length - 1]; } }
const stack = Stack.from([1, 2]); stack.push(3); console.log(stack.peek(), stack.length, stack.map((x) => x) instanceof Stack);

class Shape {
  #secret = 42; static count = 0;
  constructor(name) { this.name = name; Shape.count++; }
  get secret() { return this.#secret; }
  set label(value) { this.name = value.toUpperCase(); }
  static make(...args) { return new this(...args); }
  toString() { return `${this.constructor.name}(${this.name})`; }
}
class Square extends Shape { constructor(side) { super("square"); this.side = side; } area() { return this.side ** 2; } toString() { return super.toString() + "!"; } }
const s = Square.make(3); s.label = "big";
console.log(String(s), s.area(), s.secret, Shape.count, s instanceof Shape, Object.keys(s).join());

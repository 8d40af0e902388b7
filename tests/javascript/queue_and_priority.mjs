// Jobs by urgency in a heap, each as soon as what it waits for is done.
class Heap {
  #items = [];
  constructor(before) {
    this.before = before;
  }
  get size() {
    return this.#items.length;
  }
  push(item) {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!this.before(items[at], items[up])) break;
      [items[at], items[up]] = [items[up], items[at]];
      at = up;
    }
    return this;
  }
  pop() {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (items.length > 0) {
      items[0] = last;
      for (let at = 0; ; ) {
        const [left, right] = [2 * at + 1, 2 * at + 2];
        let next = at;
        if (left < items.length && this.before(items[left], items[next])) next = left;
        if (right < items.length && this.before(items[right], items[next])) next = right;
        if (next === at) break;
        [items[at], items[next]] = [items[next], items[at]];
        at = next;
      }
    }
    return first;
  }
  *[Symbol.iterator]() {
    while (this.size > 0) yield this.pop();
  }
}

const jobs = {
  deploy: { urgency: 1, after: ["test", "build"] },
  test: { urgency: 5, after: ["build"] },
  build: { urgency: 3, after: [] },
  lint: { urgency: 9, after: [] },
  docs: { urgency: 2, after: ["lint"] },
};
const waits = new Map(Object.entries(jobs).map(([name, { after }]) => [name, new Set(after)]));
const ready = new Heap((a, b) => jobs[a].urgency > jobs[b].urgency);
for (const [name, after] of waits) if (after.size === 0) ready.push(name);
const order = [];
for (const name of ready) {
  order.push(name);
  for (const [other, after] of waits) {
    if (after.delete(name) && after.size === 0) ready.push(other);
  }
}
console.log(order.join(" > "));

const numbers = new Heap((a, b) => a < b);
let seed = 7;
for (let i = 0; i < 12; i++) {
  seed = (seed * 48271) % 2147483647;
  numbers.push(seed % 100);
}
console.log([...numbers].join(" "), numbers.size, numbers.pop());

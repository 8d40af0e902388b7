const bytes = new Uint8Array([250, 251, 252]);
bytes[0] += 10;
const view = new DataView(bytes.buffer);
console.log(bytes.join(), view.getUint16(1).toString(16), new Float32Array([1.5, 2.25]).map((n) => n * 2).join());
console.log([...new Uint16Array(new Uint8Array([1, 2, 3, 4]).buffer)].join(), bytes.subarray(1).length, Uint8ClampedArray.of(300, -5).join());
const copy = bytes.slice(); copy.fill(7); console.log(bytes.join(), copy.join(), copy.byteLength, ArrayBuffer.isView(copy));

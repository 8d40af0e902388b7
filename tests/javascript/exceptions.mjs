class Trouble extends Error { constructor(code, options) { super(`code ${code}`, options); this.name = "Trouble"; this.code = code; } }
function work(n) { try { if (n === 0) throw new Trouble(7, { cause: "zero" }); if (n === 1) null.x; return n; } finally { console.log("finally " + n); } }
for (const n of [0, 1, 2]) {
  try { console.log("fine " + work(n)); } catch (error) { console.log(error.name, error instanceof Error, error.code ?? "-", error.cause ?? "-"); }
}
try { throw { odd: true }; } catch ({ odd }) { console.log(odd); }
console.log(new AggregateError([new Error("a")], "many").errors.length);

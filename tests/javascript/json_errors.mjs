for (const text of ['{"a": 1,}', "[1, 2", "{a: 1}"]) {
  try { JSON.parse(text); console.log("fine"); } catch (error) { console.log(error.name, error instanceof SyntaxError); }
}
const loop = {}; loop.self = loop;
try { JSON.stringify(loop); } catch (error) { console.log(error.name); }

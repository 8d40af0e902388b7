// A few lines of OpenAI-style HTTP in front of a small model in a GGUF file, on loopback.
// Usage: node server.mjs MODEL.gguf PORT   (needs the npm package node-llama-cpp; see tests/README.md)
import http from "node:http";
import { getLlama, LlamaChatSession } from "node-llama-cpp";

const [file, port] = process.argv.slice(2);
const llama = await getLlama({ gpu: false, build: "never", logLevel: "error" });
const model = await llama.loadModel({ modelPath: file });
const context = await model.createContext({ contextSize: 2048, threads: 2 });

const text = (message) => (typeof message.content === "string" ? message.content : "");

async function answer(body, onText) {
  const sequence = context.getSequence();
  try {
    const system = body.messages.filter((m) => m.role === "system").map(text).join("\n\n");
    const prompt = body.messages.filter((m) => m.role !== "system").map(text).join("\n\n");
    const session = new LlamaChatSession({ contextSequence: sequence, systemPrompt: system });
    const format = body.response_format;
    const grammar =
      format?.type === "json_schema"
        ? await llama.createGrammarForJsonSchema(format.json_schema.schema)
        : undefined;
    const said = await session.prompt(prompt, {
      grammar,
      temperature: body.temperature ?? 0,
      maxTokens: body.max_completion_tokens ?? body.max_tokens ?? 64,
      onTextChunk: onText,
    });
    const read = model.tokenize(system + prompt).length;
    const written = model.tokenize(said).length;
    return { said, usage: { prompt_tokens: read, completion_tokens: written, total_tokens: read + written } };
  } finally {
    sequence.dispose();
  }
}

// One at a time: there is one sequence.
let last = Promise.resolve();

http
  .createServer(async (request, response) => {
    let raw = "";
    for await (const chunk of request) raw += chunk;
    const body = JSON.parse(raw);
    const mine = last.then(async () => {
      if (!body.stream) {
        const { said, usage } = await answer(body);
        response.setHeader("content-type", "application/json");
        response.end(
          JSON.stringify({
            model: body.model,
            choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: said } }],
            usage,
          }),
        );
        return;
      }
      response.setHeader("content-type", "text/event-stream");
      const event = (data) => response.write(`data: ${JSON.stringify({ model: body.model, ...data })}\n\n`);
      const { usage } = await answer(body, (piece) => event({ choices: [{ index: 0, delta: { content: piece } }] }));
      event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
      event({ choices: [], usage });
      response.end("data: [DONE]\n\n");
    });
    last = mine.catch(() => {});
    mine.catch((error) => {
      response.statusCode = 500;
      response.end(JSON.stringify({ error: { message: String(error) } }));
    });
  })
  .listen(Number(port), "127.0.0.1", () => console.log("ready"));

#!/bin/sh
# A run against a real small model on loopback: text, streaming, a JSON Schema, usage. Opt-in; see tests/README.md.
# Usage: tests/smoke/run.sh MODEL.gguf DIRECTORY-WITH-NODE_MODULES [ARMATURE]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
model=$(realpath "$1")
armature=$(realpath "${3:-target/debug/armature}")
work=$(mktemp -d)
# Node looks for packages beside the program that asks for them.
ln -s "$(realpath "$2")/node_modules" "$work/node_modules"
cp "$here/server.mjs" "$work/"
cd "$work"
node server.mjs "$model" 18431 > server.log 2>&1 &
server=$!
trap 'kill $server; rm -rf "$work"' EXIT
until grep -q ready server.log; do
    kill -0 $server || { cat server.log >&2; exit 1; }
    sleep 0.2
done
"$armature" run "$here/smoke.yml" --home "$work/home" --no-cache --events events.jsonl
echo "calls (stage, tokens read, written, seconds, dollars):"
node -e '
for (const line of require("fs").readFileSync("events.jsonl", "utf8").split("\n")) {
  if (!line.includes("model_result")) continue;
  const { data } = JSON.parse(line);
  if (data) console.log(" ", data.stage, data.input_tokens, data.output_tokens, data.elapsed_s.toFixed(1), data.cost_usd);
}'

// Checks signed requests with the npm package of Standard Webhooks, which nobody here wrote.
//
// Reads one JSON object per line, {"secret": ..., "headers": {...}, "body": ...}; answers `ok` or `bad: ...` per line.
// The package is looked up in the folder that LEADWIRE_VERIFIERS names.

import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

const folder = process.env.LEADWIRE_VERIFIERS;
if (!folder) {
  console.error("LEADWIRE_VERIFIERS must name the folder that holds node_modules");
  process.exit(2);
}
const { Webhook } = createRequire(join(folder, "package.json"))("standardwebhooks");

function verdict(line) {
  try {
    const { secret, headers, body } = JSON.parse(line);
    new Webhook(secret).verify(body, headers);
    return "ok";
  } catch (error) {
    return `bad: ${error.name}: ${error.message}`.replaceAll("\n", " ");
  }
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  if (line.trim()) console.log(verdict(line));
}

// Checks signed requests with the npm package of Standard Webhooks, which nobody here wrote.
//
// Reads a JSON array of {"secret": ..., "headers": {...}, "body": ...}; answers an array of `ok` or `bad: ...`.
// The package is looked up in the folder that LEADWIRE_VERIFIERS names.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const { Webhook } = createRequire(join(process.env.LEADWIRE_VERIFIERS, "package.json"))("standardwebhooks");

function verdict({ secret, headers, body }) {
  try {
    new Webhook(secret).verify(body, headers);
    return "ok";
  } catch (error) {
    return `bad: ${error.name}: ${error.message}`;
  }
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(verdict)));

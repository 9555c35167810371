// Reads the files of deploy/ as YAML, with the chart rendered under given values, and prints them as one JSON value.
//
// Only a small part of Helm's language is known here: values, `quote`, `if` of one value, and `toYaml … | nindent`. What is
// beyond it is an error, so that nothing is believed to be rendered that was not.
import { createRequire } from "node:module";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const require = createRequire(join(process.env.LEADWIRE_VERIFIERS, "node_modules", "x.js"));
// It comes with Node-RED, and the lock file pins it.
const yaml = require("js-yaml");

const input = JSON.parse(readFileSync(0, "utf8"));
const chart = join(input.folder, "helm", "leadwire");
const read = (file) => readFileSync(file, "utf8");

function merged(base, change) {
  if (typeof base !== "object" || base === null || Array.isArray(base)) return change;
  const out = { ...base };
  for (const [name, value] of Object.entries(change)) {
    if (!(name in base)) throw new Error(`there is no value ${name}`);
    out[name] = merged(base[name], value);
  }
  return out;
}

const scope = {
  Values: merged(yaml.load(read(join(chart, "values.yaml"))), input.values),
  Release: { Name: input.release },
  Chart: yaml.load(read(join(chart, "Chart.yaml"))),
};

function valueOf(path) {
  const names = path.split(".").slice(1);
  return names.reduce((it, name) => {
    if (it === null || typeof it !== "object" || !(name in it)) throw new Error(`there is no ${path}`);
    return it[name];
  }, scope);
}

function filled(expression) {
  const [first, ...filters] = expression.split("|").map((it) => it.trim());
  const words = first.split(/\s+/);
  if (words[0] === "toYaml" && words.length === 2 && /^nindent \d+$/.test(filters[0]) && filters.length === 1) {
    const indent = " ".repeat(Number(filters[0].split(" ")[1]));
    const lines = yaml.dump(valueOf(words[1])).trimEnd().split("\n");
    return "\n" + lines.map((it) => indent + it).join("\n");
  }
  if (words.length !== 1 || !words[0].startsWith(".")) throw new Error(`this is not rendered here: ${expression}`);
  const value = valueOf(words[0]);
  if (filters.length === 0) return String(value);
  if (filters.length === 1 && filters[0] === "quote") return JSON.stringify(String(value));
  throw new Error(`this is not rendered here: ${expression}`);
}

function rendered(text) {
  const out = [];
  const open = [];
  for (const line of text.split("\n")) {
    const condition = line.match(/^\s*\{\{-? if (\.\S+) \}\}$/);
    if (condition) {
      open.push(Boolean(valueOf(condition[1])));
    } else if (/^\s*\{\{-? end \}\}$/.test(line)) {
      if (open.pop() === undefined) throw new Error("an end without its if");
    } else if (open.every(Boolean)) {
      // `{{-` takes the white space before it away, a new line too.
      const trimmed = line.match(/^\s*\{\{- (.+) \}\}$/);
      if (trimmed) out[out.length - 1] += filled(trimmed[1]);
      else out.push(line.replace(/\{\{ (.+?) \}\}/g, (_, it) => filled(it)));
    }
  }
  if (open.length > 0) throw new Error("an if without its end");
  const result = out.join("\n");
  if (result.includes("{{")) throw new Error(`not all of it was rendered: ${result}`);
  return result;
}

const templates = readdirSync(join(chart, "templates")).sort();
const manifests = templates.flatMap((it) => yaml.loadAll(rendered(read(join(chart, "templates", it)))));
console.log(
  JSON.stringify({
    compose: yaml.load(read(join(input.folder, "compose.yaml"))),
    manifests: manifests.filter((it) => it),
    chart: scope.Chart,
  }),
);

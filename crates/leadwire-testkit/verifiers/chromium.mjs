// Chromium, and what every page is held to in it: no finding of axe-core, which nobody here wrote, and nothing beside the screen.
//
// The packages and the browser are looked up in the folder that LEADWIRE_VERIFIERS names.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const installed = process.env.LEADWIRE_VERIFIERS;
const require = createRequire(join(installed, "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// What a test wishes, from standard input.
export const wish = JSON.parse(readFileSync(0, "utf8"));

export const browser = await chromium.launch({
  executablePath: join(installed, "chromium"),
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

// A window of its own. What is waited for there comes, however busy the machine is: only a bug makes a wait last.
export async function open(options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(120_000);
  return context;
}

export async function examine(page, name, complaints) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
  for (const it of found.violations) complaints.push(`${name}: ${it.id}: ${it.nodes[0].html}`);
  const [wide, width] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (wide > width) complaints.push(`${name}: ${wide} pixels are wider than ${width}`);
}

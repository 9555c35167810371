// The first quarter of an hour of somebody new, in Chromium with scripts, part by part: what happens outside of the browser in
// between is the test's. Each part leaves pictures, and is examined by axe-core.
//
// Reads {"base", "part", "state", "first", "settings", "email", "advance", "shots"}; answers {"state", "complaints", …}.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { browser, examine, open, wish } from "./chromium.mjs";

const complaints = [];
const context = await open({ storageState: wish.state, viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
let part = wish.part;
page.on("console", (it) => {
  if (["error", "warning"].includes(it.type())) complaints.push(`${part}: ${it.text()}`);
});
page.on("pageerror", (it) => complaints.push(`${part}: ${it}`));
mkdirSync(wish.shots, { recursive: true });

async function keep(name) {
  await page.screenshot({ path: join(wish.shots, `quarter-${name}.jpg`), fullPage: true, quality: 85 });
  await examine(page, name, complaints);
}

const go = (place) => page.click(`nav a[href^="/${place}"]`);
const told = () => page.locator("main .done").waitFor();

async function connect() {
  await page.goto(wish.first);
  await page.fill("#name", "Ada Lovelace");
  await page.fill("#email", "ada@example.com");
  await page.fill("#password", "correct horse battery");
  await page.fill("#again", "correct horse battery");
  await page.click("main .button");
  await page.waitForURL(`${wish.base}/`);
  await keep("01-signed-in");
  await page.click('main a[href^="/connect"]');
  await page.click('a[href^="/connect/hubspot"]');
  await page.fill("#name", "hubspot");
  await page.click(".rest > summary");
  for (const [name, value] of Object.entries(wish.settings)) {
    await page.fill(`#set-${name.replaceAll("_", "-")}`, `${value}`);
  }
  await keep("02-connect");
  await page.click("main form .button");
  await told();
  await page.click('form[action*="/validate"] button');
  await page.locator(".proof .chip.ok").waitFor();
  await keep("03-checked");
  await page.click('form[action*="/test-lead"] button');
  await page.locator(".proof code").waitFor();
  await keep("04-test-lead");
  await page.click('form[action*="/route"] button');
  await told();
  await keep("05-routed");
}

async function live() {
  await page.goto(`${wish.base}/`);
  await go("offers");
  await page.fill("#id", "backup");
  await page.fill("#title", "Backup");
  await page.click("main form .button");
  await told();
  await page.click('main a.button[href*="/listing"]');
  await page.check("[name=on_contact_me]");
  await page.fill("#en-title", "Contoso Backup");
  await page.fill("#en-summary", "Keeps what you have, wherever it is.");
  await page.fill("#en-consent", "I agree that Contoso may answer my request.");
  await page.fill("#en-consent-version", "2026-11");
  await keep("06-listing");
  await page.click("main form .row .button");
  await told();
  await page.click('form[action$="/preview"] button');
  const preview = await page.getAttribute(".done-link a", "href");
  await keep("07-preview");
  const look = await context.newPage();
  await look.goto(preview);
  if ((await look.textContent("h1")) !== "Contoso Backup") complaints.push("the preview shows something else");
  await look.close();
  await page.click('form[action$="/go-live"] button');
  await page.locator(".head .chip.live").waitFor();
  await keep("08-live");
}

// Somebody else: no session, no cookie.
async function customer() {
  const other = await open({ locale: "en-GB" });
  const form = await other.newPage();
  await form.goto(`${wish.base}/o/contoso.backup`);
  await form.click('a[href*="/contact_me"]');
  await form.fill("#first_name", wish.email.split("@")[0]);
  await form.fill("#last_name", "Example");
  await form.fill("#email", wish.email);
  await form.fill("#company", "Example Ltd.");
  await form.selectOption("#country", "GB");
  await form.check("#consent");
  // Time passes for the service as it does for a person.
  await fetch(wish.advance);
  await form.click("form .button");
  await form.waitForURL(/thanks/);
  await other.close();
}

async function lead() {
  await page.goto(`${wish.base}/`);
  await go("leads");
  await page.fill("#q", wish.email);
  await page.keyboard.press("Enter");
  await page.waitForURL(/[?&]q=/);
  await page.click("tbody a");
  await keep("09-lead");
  const chip = await page.getAttribute(".paths .chip", "class");
  return { stands: chip.replace("chip ", "") };
}

async function counts() {
  const waiting = await page.textContent('#live-counter .legend div:has(.fill-waiting) dd');
  const delivered = await page.textContent('#live-counter .legend div:has(.fill-delivered) dd');
  const adds_up = (await page.locator("#live-counter .chip.ok").count()) === 1;
  return { waiting: waiting.trim(), delivered: delivered.trim(), adds_up };
}

async function held() {
  await page.goto(`${wish.base}/`);
  await keep("10-held");
  const seen = await counts();
  await go("destinations");
  await page.click("h2 a");
  await keep("11-held-destination");
  return seen;
}

async function drained() {
  await page.goto(`${wish.base}/`);
  // So much time has passed that the session is over.
  await page.fill("#email", "ada@example.com");
  await page.fill("#password", "correct horse battery");
  await page.click("main .button");
  await page.locator("#live-counter").waitFor();
  await keep("12-drained");
  return counts();
}

const parts = { connect, live, customer, lead, held, drained };
const seen = (await parts[part]()) ?? {};
const state = await context.storageState();
await browser.close();
console.log(JSON.stringify({ ...seen, state, complaints }));

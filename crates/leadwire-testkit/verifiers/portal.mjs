// Looks at every page of the portal in Chromium, has each examined by axe-core, and takes its picture. Or comes in by the first
// link without scripts, and does what a person does.
//
// Reads {"base", "token", "language", "theme", "width", "pages", "shots", "pictures"?} or {"base", "first"}; answers what was seen. A
// page is its name and path, and what else is to be done: {"cookie"} of somebody else, {"fill"?, "choose"?, "press", "shows"?} of a
// form that answers with a page, or with a part of this one; {"refused"}: it says what is wrong with it.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { browser, examine, open, wish } from "./chromium.mjs";

const complaints = [];

async function hold(page, name) {
  await examine(page, name, complaints);
  const small = await page.evaluate(() => {
    const all = [...document.querySelectorAll("button, select, textarea, input:not([type=hidden])")];
    const is = (it) => it.getClientRects().length > 0 && it.getBoundingClientRect().height < 24;
    return all.filter(is).map((it) => it.outerHTML.slice(0, 80));
  });
  for (const it of small) complaints.push(`${name}: too small to hit: ${it}`);
}

// A picture for the documents: what a screen shows, as WebP, which is a fraction of the same PNG.
async function draw(page, file) {
  const session = await page.context().newCDPSession(page);
  const shot = await session.send("Page.captureScreenshot", { format: "webp", quality: 82 });
  writeFileSync(file, Buffer.from(shot.data, "base64"));
}

async function look() {
  const context = await open({
    colorScheme: wish.theme,
    viewport: { width: wish.width, height: 900 },
    reducedMotion: "reduce",
    timezoneId: { en: "UTC", hu: "Europe/Budapest", tr: "Europe/Istanbul" }[wish.language],
  });
  await context.addCookies([
    { name: "leadwire_look", value: `${wish.language}.${wish.theme}`, url: wish.base },
    { name: "leadwire", value: wish.token, url: wish.base, httpOnly: true, sameSite: "Lax" },
  ]);
  const page = await context.newPage();
  let expected = "";
  let refused = false;
  page.on("console", (it) => {
    const missing = expected === "missing" && it.text().includes("404");
    const wrong = refused && it.text().includes("422");
    if (["error", "warning"].includes(it.type()) && !missing && !wrong) complaints.push(`${expected}: ${it.text()}`);
  });
  page.on("pageerror", (it) => complaints.push(`${expected}: ${it}`));
  mkdirSync(wish.shots, { recursive: true });
  let seen = 0;
  const own = { name: "leadwire", value: wish.token, url: wish.base, httpOnly: true, sameSite: "Lax" };
  const one = async (name, path, more = {}) => {
    expected = name;
    refused = more.refused === true;
    if (more.cookie) {
      const [kind, value] = more.cookie.split("=");
      await context.clearCookies({ name: "leadwire" });
      await context.addCookies([{ ...own, name: kind, value }]);
    }
    await page.goto(`${wish.base}${path}`);
    if (more.press) {
      await page.evaluate(() => document.querySelectorAll("details").forEach((it) => (it.open = true)));
      for (const [field, text] of Object.entries(more.fill ?? {})) await page.fill(field, text);
      for (const [field, index] of Object.entries(more.choose ?? {})) await page.selectOption(field, { index });
      const answer = more.shows ? page.waitForSelector(more.shows) : page.waitForNavigation();
      await Promise.all([answer, page.click(more.press)]);
    }
    const language = await page.getAttribute("html", "lang");
    if (language !== wish.language) complaints.push(`${name}: ${language}`);
    const file = join(wish.shots, `${name}-${wish.language}-${wish.theme}-${wish.width}.jpg`);
    await page.screenshot({ path: file, fullPage: true, quality: 85 });
    if (wish.pictures?.[name]) await draw(page, wish.pictures[name]);
    // What is folded in is examined as well.
    await page.evaluate(() => document.querySelectorAll("details").forEach((it) => (it.open = true)));
    await hold(page, name);
    if (wish.language !== "en") complaints.push(...(await english(page)).map((it) => `${name}: in English: ${it}`));
    if (more.cookie) {
      await context.clearCookies({ name: /^leadwire(_half|_guest)?$/ });
      await context.addCookies([own]);
    }
    seen += 1;
  };
  for (const [name, path, more] of wish.pages) await one(name, path, more);
  await context.clearCookies({ name: "leadwire" });
  await one("sign-in", "/sign-in");
  await context.close();
  return { seen, complaints };
}

// Words that are in English on a page that is not. Names of languages and what a publisher wrote are marked: they stay as they are.
async function english(page) {
  return page.evaluate(() => {
    const all = [...document.querySelectorAll('[lang="en"]:not([data-as-is])')];
    return all.filter((it) => it.checkVisibility()).map((it) => it.textContent.trim());
  });
}

// Ctrl K leads to anything by its name, `?` says which keys there are, and what can be copied is.
async function keys(page) {
  await page.goto(`${wish.base}/leads`);
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("?");
  await page.waitForSelector("#palette[open] kbd");
  await page.keyboard.press("Escape");
  await page.waitForSelector("#palette:not([open])", { state: "attached" });
  await page.keyboard.press("Control+k");
  await page.waitForSelector("#palette[open] .hits a");
  await examine(page, "palette", complaints);
  await page.keyboard.type("sales");
  // Typed and sent at once: what is found counts for what is typed, not for what stood there before.
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/destinations\/sales-crm/);
  await menus(page);
  await page.click("[data-go]");
  await page.waitForSelector("#palette[open] .hits a");
  await page.keyboard.press("ArrowDown");
  const hit = await page.evaluate(() => document.activeElement.closest("#palette .hits") !== null);
  if (!hit) complaints.push("the arrows do not lead through what was found");
  await page.keyboard.press("Escape");
  await page.click(".calls summary");
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.click('[data-copy="call-command"]');
  await page.waitForFunction(() => document.querySelector('[data-copy="call-command"]').textContent === "Copied");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  if (copied !== "leadwire destination show contoso sales-crm") complaints.push(`copied: ${copied}`);
}

// A menu is closed by Escape, which leads back to it, and by a click elsewhere.
async function menus(page) {
  const before = page.url();
  await page.goto(`${wish.base}/users`);
  const menu = "details.menu";
  await page.click(`${menu} summary`);
  await page.waitForSelector(`${menu}[open] form`);
  await examine(page, "menu", complaints);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Escape");
  await page.waitForSelector(`${menu}:not([open])`);
  const back = await page.evaluate(() => document.activeElement.closest("details.menu summary") !== null);
  if (!back) complaints.push("Escape does not lead back to the menu");
  await page.click(`${menu} summary`);
  await page.waitForSelector(`${menu}[open] form`);
  await page.click("h1");
  await page.waitForSelector(`${menu}:not([open])`);
  await page.goto(before);
}

// Times are those of where the browser is, from its second page on, until somebody would have UTC.
async function times(page) {
  const look = async () => {
    const zone = await page.locator('.look [name="zone"][aria-pressed="true"]').innerText();
    return { zone, time: await page.locator("tbody tr:first-child").innerText() };
  };
  await page.goto(`${wish.base}/leads`);
  const there = await look();
  await page.click('.look [name="zone"][value="utc"]');
  const utc = await look();
  if (there.zone !== "Tokyo" || utc.zone !== "UTC") complaints.push(`times: ${there.zone}, then ${utc.zone}`);
  if (there.time === utc.time) complaints.push(`times are the same in UTC: ${utc.time}`);
}

async function come() {
  const context = await open({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(wish.first);
  await page.fill("#name", "Ada Lovelace");
  await page.fill("#email", "ada@example.com");
  await page.fill("#password", "correct horse battery");
  await page.fill("#again", "correct horse battery");
  await page.click("main .button");
  if (new URL(page.url()).pathname !== "/") complaints.push(`not signed in: ${page.url()}`);
  await page.click('nav a[href^="/destinations"]');
  await page.click('h2 a[href^="/destinations/sales-crm"]');
  const form = page.locator('form[action="/destinations/sales-crm/pause"]');
  await form.locator("button").click();
  const paused = (await page.locator("main .done").count()) === 1 ? "sales-crm" : "nothing was said";
  await page.click('nav a[href^="/leads"]');
  await page.fill("#q", "person1@example.com");
  await page.keyboard.press("Enter");
  await page.waitForURL(/[?&]q=/);
  const rows = await page.locator("tbody tr").count();
  const found = rows === 1 ? new URL(page.url()).pathname : `${rows} rows`;
  await page.goto(`${wish.base}/`);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForURL(/#/);
  const skipped = new URL(page.url()).hash.slice(1);
  const state = await context.storageState();
  // With scripts, `/` leads to the search, and what changes is shown by itself.
  const live = await open({ storageState: state, timezoneId: "Asia/Tokyo" });
  const second = await live.newPage();
  second.on("console", (it) => complaints.push(it.text()));
  second.on("pageerror", (it) => complaints.push(`${it}`));
  await second.goto(`${wish.base}/leads`);
  await second.keyboard.press("/");
  const focused = await second.evaluate(() => document.activeElement.id);
  if (focused !== "q") complaints.push(`/ leads to ${focused}`);
  await keys(second);
  await times(second);
  await second.goto(`${wish.base}/`);
  await second.waitForResponse((it) => it.request().resourceType() === "fetch" && it.ok());
  await second.waitForFunction(() => document.querySelector("#live-counter .legend"));
  await live.close();
  await page.click(".who button");
  const out = new URL(page.url()).pathname;
  await context.close();
  return { paused, found, skipped, out, complaints };
}

const answer = wish.first ? await come() : await look();
await browser.close();
console.log(JSON.stringify(answer));

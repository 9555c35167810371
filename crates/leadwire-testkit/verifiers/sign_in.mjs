// Signs in by a provider in Chromium without scripts, as a person does: the button, the provider's own pages, and back; then is
// asked again before a key is made, shows it at the provider in another tab, and goes on with what was typed.
//
// Reads {"base", "name", "step"}: `in`, then `again` with the state that the first gave back. Answers what was seen.

import { browser, examine, open, wish } from "./chromium.mjs";

const complaints = [];
const context = await open({
  javaScriptEnabled: false,
  storageState: wish.state,
  viewport: { width: 1280, height: 900 },
  userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
});

// The provider's pages: a name and any password, then a look at what is asked for.
async function at_the_provider(page) {
  await page.fill('input[name="login"]', wish.name);
  await page.fill('input[name="password"]', "anything");
  await page.click('button[type="submit"]');
  for (let turn = 0; turn < 3 && !page.url().startsWith(wish.base); turn += 1) {
    await page.click('button[type="submit"]');
  }
}

async function come_in() {
  const page = await context.newPage();
  await page.goto(`${wish.base}/destinations`);
  await examine_still(page, "sign-in");
  await page.click(".ways a");
  await at_the_provider(page);
  const at = new URL(page.url());
  return { at: at.pathname, said: await page.locator("main .wrong").allInnerTexts() };
}

async function again() {
  const page = await context.newPage();
  await page.goto(`${wish.base}/settings/keys`);
  await page.fill('input[name="title"]', "Kept while asked again");
  await page.click("main form.stack button.button");
  const title = await page.locator("h1").innerText();
  await examine_still(page, "again");
  await page.click("main form button.button");
  const early = await page.locator("main .wrong").innerText();
  const [tab] = await Promise.all([context.waitForEvent("page"), page.click('a[target="_blank"]')]);
  await tab.waitForLoadState();
  await at_the_provider(tab);
  const known = await tab.locator("main .done").innerText();
  await page.click("main form button.button");
  const made = await page.locator("table").innerText();
  await page.goto(`${wish.base}/account`);
  const account = await page.locator("main").innerText();
  return { title, early, known, made, account };
}

// axe-core runs in the page, which here has no scripts: it is looked at in a window that has them.
async function examine_still(page, name) {
  const other = await open({ viewport: { width: 390, height: 800 } });
  const copy = await other.newPage();
  await copy.setContent(await page.content());
  await examine(copy, name, complaints);
  await other.close();
}

const seen = wish.step === "in" ? await come_in() : await again();
console.log(JSON.stringify({ ...seen, complaints, state: await context.storageState() }));
await browser.close();

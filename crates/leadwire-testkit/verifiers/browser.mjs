// Walks an offer's page in Chromium from the first look to the thanks, and has each page examined by axe-core, which nobody
// here wrote. Or looks at a page of another site that holds the form, and sends it from there.
//
// Reads {"url", "locale", "customer", "advance"} and {"action", "scripts", "scheme", "width"} or {"held": true}; answers what
// was seen.

import { browser, examine, open, wish } from "./chromium.mjs";

async function fill(page) {
  for (const [name, value] of Object.entries(wish.customer)) {
    if (name === "country") await page.selectOption("#country", value);
    else await page.fill(`#${name}`, value);
  }
  await page.check("#consent");
  // Time passes for the service as it does for a person.
  await fetch(wish.advance);
}

async function walk() {
  const context = await open({
    locale: wish.locale,
    javaScriptEnabled: wish.scripts,
    colorScheme: wish.scheme,
    viewport: { width: wish.width, height: 860 },
  });
  const page = await context.newPage();
  const complaints = [];
  const look = async () => {
    if (wish.scripts) await examine(page, page.url(), complaints);
  };
  await page.goto(wish.url);
  const language = await page.getAttribute("html", "lang");
  const title = await page.textContent("h1");
  await look();
  await page.click(`a[href*="/${wish.action}?"]`);
  await look();
  await page.click("form .button");
  const errors = await page.locator(".errors li").count();
  const focused = await page.evaluate(() => document.activeElement.className);
  await look();
  await page.click('.errors a[href="#email"]');
  const led = await page.evaluate(() => location.hash);
  await fill(page);
  await page.click("form .button");
  const thanks = { path: new URL(page.url()).pathname, said: await page.textContent("h1") };
  await look();
  const cookies = (await context.cookies()).length;
  await context.close();
  return { language, title, errors, focused, led, thanks, cookies, complaints };
}

async function held() {
  const context = await open({ locale: wish.locale });
  const page = await context.newPage();
  await page.goto(wish.url);
  const frame = await (await page.waitForSelector("iframe")).contentFrame();
  await frame.waitForLoadState();
  if ((await frame.locator("form").count()) === 0) {
    await context.close();
    return { sent: false };
  }
  await page.waitForFunction(() => document.querySelector("iframe").style.height !== "900px");
  await fill(frame);
  await frame.click("form .button");
  await frame.waitForURL(/thanks/);
  const said = await frame.textContent("h1");
  await context.close();
  return { sent: true, said };
}

const answer = wish.held ? await held() : await walk();
await browser.close();
console.log(JSON.stringify(answer));

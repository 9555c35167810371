// Puts the portal into a frame of another site, and looks whether somebody sees it there.
//
// Reads {"site", "url", "press"}; answers the heading that is seen in the frame, and the one after a form there; empty when none.

import { browser, wish } from "./chromium.mjs";

const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
await page.goto(wish.site);
await page.evaluate((url) => {
  const frame = document.createElement("iframe");
  [frame.src, frame.width, frame.height, frame.name] = [url, 1100, 700, "portal"];
  document.body.append(frame);
}, wish.url);
const heading = async () => {
  await page.waitForFunction(() => document.querySelector("iframe").contentWindow.length >= 0);
  const frame = page.frame("portal");
  await frame.waitForLoadState();
  return (await frame.locator("h1").count()) === 0 ? "" : await frame.locator("h1").first().innerText();
};
await page.waitForLoadState("networkidle");
const seen = await heading();
let after = "";
if (wish.press && seen) {
  await page.frame("portal").click(wish.press);
  await page.waitForLoadState("networkidle");
  after = await heading();
}
await browser.close();
console.log(JSON.stringify({ seen, after }));

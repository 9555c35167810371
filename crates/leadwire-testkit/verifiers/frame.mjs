// Puts the portal into a frame of another site, and looks whether somebody sees it there.
//
// Reads {"site", "url", "press", "to"}; answers the heading that is seen in the frame, and the one after a form there; empty when none.

import { browser, open, wish } from "./chromium.mjs";

const context = await open({ viewport: { width: 1200, height: 900 } });
const page = await context.newPage();
await page.goto(wish.site);
await page.evaluate((url) => {
  const frame = document.createElement("iframe");
  [frame.src, frame.width, frame.height, frame.name] = [url, 1100, 700, "portal"];
  document.body.append(frame);
}, wish.url);
// What was refused is a frame too, without a name and without anything of ours.
const inside = () => page.frames().find((it) => it !== page.mainFrame());
const heading = async () => {
  await inside().waitForLoadState();
  const found = inside().locator("h1");
  return (await found.count()) === 0 ? "" : await found.first().innerText();
};
await page.waitForLoadState("networkidle");
const seen = await heading();
let after = "";
if (wish.press && seen) {
  await Promise.all([inside().waitForURL(`**${wish.to}`), inside().click(wish.press)]);
  after = await heading();
}
await browser.close();
console.log(JSON.stringify({ seen, after }));

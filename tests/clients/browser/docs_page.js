/**
 * Reads the documentation in Chromium and calls the API from it: `[{baseUrl, token, pages, pictures}]` on stdin,
 * `{outside, problems, titles, wide, documents, called}` on stdout. `pictures` names a directory for them.
 */

import { json } from "node:stream/consumers";

import { chromium } from "playwright-core";

import { launchOptions } from "./chromium.js";

const REFERENCE = "/docs/reference";
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 900 };
// Without pictures one of each is enough.
const FEW = [
  { name: "phone-dark", viewport: PHONE, colorScheme: "dark" },
  { name: "desk-light", viewport: DESK, colorScheme: "light" },
];
const ALL = [
  ...FEW,
  { name: "phone-light", viewport: PHONE, colorScheme: "light" },
  { name: "desk-dark", viewport: DESK, colorScheme: "dark" },
];

const [{ baseUrl, token, pages, pictures }] = await json(process.stdin);
const told = { outside: [], problems: [], titles: {}, wide: [], documents: [], called: null };

/** Opens a page that tells what it asks of other hosts and what goes wrong in it. */
async function open(browser, { viewport, colorScheme }) {
  const page = await browser.newPage({ viewport, colorScheme });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${baseUrl}/`) && !/^(data|blob):/.test(url)) told.outside.push(url);
  });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) told.problems.push(`${page.url()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => told.problems.push(`${page.url()}: ${error.message}`));
  return page;
}

/** Opens a path of the documentation and waits until it shows a title. */
async function read(page, path, view) {
  await page.goto(baseUrl + path, { waitUntil: "load" });
  // The reference's own title goes once the script has drawn another.
  if (path === REFERENCE) await page.getByText("Bearer Token").first().waitFor();
  told.titles[path] = await page.locator("h1").first().innerText();
  // A page wider than the screen would have to be pushed to and fro.
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  if (width > view.viewport.width) told.wide.push(`${path} in ${view.name}: ${width}`);
  if (pictures) {
    const name = path.replaceAll("/", "_");
    await page.screenshot({ path: `${pictures}/${name}-${view.name}.png` });
  }
}

/** Puts the token into its field, and sends the call that shows the account, which is among those in sight. */
async function call(page) {
  await page.getByPlaceholder("Token").first().fill(token);
  // What is far below is drawn when somebody goes there.
  await page.getByText("Returns the caller's account").first().click();
  await page.locator("button", { hasText: "(get /v1/accounts/me)" }).first().click();
  const answered = page.waitForResponse((response) => new URL(response.url()).pathname === "/v1/accounts/me");
  await page.getByRole("button", { name: /^Send/ }).first().click();
  const response = await answered;
  const sent = await response.request().allHeaders();
  told.called = { status: response.status(), authorized: sent.authorization === `Bearer ${token}` };
  if (pictures) await page.waitForTimeout(1000).then(() => page.screenshot({ path: `${pictures}/called.png` }));
}

const browser = await chromium.launch(launchOptions());
try {
  for (const view of pictures ? ALL : FEW) {
    const page = await open(browser, view);
    for (const path of [...pages, REFERENCE]) await read(page, path, view);
    if (view.name === "desk-light") {
      await page.getByRole("button", { name: "Practice platform" }).first().click();
      told.documents = await page.getByRole("option").allInnerTexts();
      await page.keyboard.press("Escape");
      await call(page);
    }
    await page.close();
  }
} finally {
  await browser.close();
}
console.log(JSON.stringify(told));

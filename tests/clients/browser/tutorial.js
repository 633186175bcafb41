/** Plays the tutorial's page: `node tutorial.js ADDRESS ANSWER...` tells what was shown as `{feedback, end, why}`. */

import { chromium } from "playwright-core";

import { launchOptions } from "./chromium.js";

const [address, ...answers] = process.argv.slice(2);
const browser = await chromium.launch(launchOptions());
try {
  const page = await browser.newPage();
  page.on("pageerror", (error) => console.error(error.message));
  await page.goto(address);
  let prompt = "";
  const next = async () => {
    const shown = (before) => ![before, ""].includes(document.getElementById("prompt").textContent);
    await page.waitForFunction(shown, prompt);
    prompt = await page.textContent("#prompt");
  };
  const feedback = [];
  await next();
  for (const answer of answers) {
    await page.fill("#text", answer);
    await page.click("button");
    await next();
    feedback.push(await page.textContent("#feedback"));
  }
  await page.waitForFunction(() => document.getElementById("why").textContent);
  console.log(JSON.stringify({ feedback, end: prompt, why: await page.textContent("#why") }));
} finally {
  await browser.close();
}

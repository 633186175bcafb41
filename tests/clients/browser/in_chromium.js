/**
 * Plays scenarios in the pages of a folder in Chromium, `node in_chromium.js FOLDER`: for each line
 * `[{scenario, given}, ...]` of stdin one `{origin, results, preflights}` or `{error}` on stdout. A line has a profile
 * of its own; its page is loaded anew before each scenario, from an origin that is not the gateway's.
 */

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

import { chromium } from "playwright-core";

import { launchOptions } from "./chromium.js";

const TYPES = { ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript" };
const FOLDER = pathToFileURL(`${process.argv[2]}/`);

/** Serves the folder without a word about CORS. */
async function servePage() {
  const server = createServer(async ({ url }, response) => {
    const name = url === "/" ? "/index.html" : url;
    try {
      const content = await readFile(new URL(`.${name}`, FOLDER));
      response.writeHead(200, { "Content-Type": TYPES[extname(name)] }).end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

/** Collects the preflights that the browser sends before what a page asks for: `{method, path, status}`. */
async function watchPreflights(page) {
  const preflights = new Map();
  const network = await page.context().newCDPSession(page);
  network.on("Network.requestWillBeSent", ({ requestId, request }) => {
    if (request.method !== "OPTIONS") return;
    const method = request.headers["Access-Control-Request-Method"];
    preflights.set(requestId, { method, path: new URL(request.url).pathname });
  });
  network.on("Network.responseReceived", ({ requestId, response }) => {
    if (preflights.has(requestId)) preflights.get(requestId).status = response.status;
  });
  await network.send("Network.enable");
  return preflights;
}

/** Plays in a new page, which has nothing of earlier ones: no storage, and no remembered preflights. */
async function play(browser, origin, steps) {
  const page = await browser.newPage();
  try {
    const preflights = await watchPreflights(page);
    const results = [];
    for (const { scenario, given } of steps) {
      await page.goto(origin, { waitUntil: "load" });
      results.push(await page.evaluate(([name, data]) => window.play(name, data), [scenario, given]));
    }
    return { origin, results, preflights: [...preflights.values()] };
  } finally {
    await page.close();
  }
}

const server = await servePage();
const origin = `http://localhost:${server.address().port}`;
const browser = await chromium.launch(launchOptions());
try {
  for await (const line of createInterface({ input: process.stdin })) {
    const told = await play(browser, origin, JSON.parse(line)).catch((error) => ({ error: error.stack }));
    console.log(JSON.stringify(told));
  }
} finally {
  await browser.close();
  server.close();
}

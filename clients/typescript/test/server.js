/** A small real server, which may drop what it is asked. */

import { createServer } from "node:http";
import { text } from "node:stream/consumers";

import { PracticeClient } from "../dist/index.js";

/** Waits that take no time; each test says what else it wants. */
const QUICK = { firstWait: 1, longestWait: 1 };

/**
 * Serves until the test is over. `handle(request, response, number)` answers the request of that number, from 1;
 * a request has its `body` as JSON and its `query`. Returns `{url, requests}`.
 */
export async function serve(test, handle) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    request.body = body ? JSON.parse(body) : undefined;
    const url = new URL(request.url, "http://localhost");
    request.path = url.pathname;
    request.query = Object.fromEntries(url.searchParams);
    requests.push(request);
    handle(request, response, requests.length);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, requests };
}

/** Returns an address at which nobody answers. */
export async function nobody() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}

export function answer(response, body, { status = 200, ...headers } = {}) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers }).end(JSON.stringify(body));
}

export function client(url, { retries = {}, ...options } = {}) {
  return new PracticeClient(url, { retries: { ...QUICK, ...retries }, ...options });
}

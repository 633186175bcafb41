import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";

import { answer, client, serve } from "./server.js";

const NDJSON = { "Content-Type": "application/x-ndjson" };
const SSE = { "Content-Type": "text/event-stream" };

const change = (cursor, kind = "KIND_ANSWERED", state = "STATE_ACTIVE") => ({ kind, cursor: `${cursor}`, state });
const ended = (cursor) => change(cursor, "KIND_ENDED", "STATE_COMPLETED");
const line = (told) => `${JSON.stringify(told)}\n`;
const event = (told) => `id: ${told.cursor}\nevent: ${told.kind}\ndata: ${JSON.stringify(told)}\n\n`;

const cursorsOf = async (changes) => (await Array.fromAsync(changes)).map(({ cursor }) => Number(cursor));

/** Sends what it is given, then breaks the connection. */
const breaking = (request, response, text) => response.write(text, () => request.socket.destroy());

test("lines go on after the last change that was seen whole, and none is told twice", async (t) => {
  const { url, requests } = await serve(t, (request, response, number) => {
    response.writeHead(200, NDJSON);
    if (number === 1) return breaking(request, response, line(change(3, "KIND_SNAPSHOT")) + line(change(4)) + '{"kind": ');
    if (number === 2) return breaking(request, response, line(change(4)) + line(change(5)));
    response.end(line(ended(6)));
  });
  assert.deepEqual(await cursorsOf(client(url).watch("sessions/1")), [3, 4, 5, 6]);
  assert.deepEqual(requests.map(({ query }) => query.cursor), [undefined, "4", "5"]);
  assert.ok(requests.every(({ path }) => path === "/v1/sessions/1:watch"));
});

test("events go on after the last id, whatever pieces they come in", async (t) => {
  const { url, requests } = await serve(t, async (request, response, number) => {
    response.writeHead(200, SSE);
    if (number === 1) return breaking(request, response, `: hello\n\n${event(change(3))}id: 4\ndata: {}`);
    const text = `retry: 10\r\n\r\nid: 4\r\ndata: {"cursor": "4",\r\ndata: "state": "STATE_ACTIVE"}\r\n\r\n${event(ended(5))}`;
    for (const piece of text) {
      response.write(piece);
      await new Promise(setImmediate);
    }
    response.end();
  });
  assert.deepEqual(await cursorsOf(client(url).watch("sessions/1")), [3, 4, 5]);
  assert.deepEqual(requests.map(({ headers }) => headers["last-event-id"]), [undefined, "3"]);
});

test("a stream says why it ends: another token goes on, and a session that is over is over", async (t) => {
  const end = (reason) => `event: end\ndata: {"reason": "${reason}", "message": "..."}\n\n`;
  const { url, requests } = await serve(t, (_, response, number) => {
    response.writeHead(200, SSE);
    if (number === 1) return response.end(event(change(3)) + end("TOKEN_INVALID"));
    response.end(event(change(4)) + end("SESSION_ENDED"));
  });
  assert.deepEqual(await cursorsOf(client(url).watch("sessions/1")), [3, 4]);
  assert.equal(requests.length, 2);
});

test("statistics have no end: they go on over every break until a signal gives them up", async (t) => {
  const told = [change(7, "KIND_SNAPSHOT"), change(8, "KIND_CHANGED"), change(9, "KIND_SNAPSHOT")];
  const { url, requests } = await serve(t, (_, response, number) => {
    response.writeHead(200, SSE);
    if (number === 1) return response.end(event(told[0]) + event(told[1]));
    response.write(event(told[2]));
  });
  const stop = new AbortController();
  const seen = [];
  await assert.rejects(async () => {
    for await (const each of client(url).watchStatistics({ signal: stop.signal })) {
      if (seen.push(each) === 3) stop.abort(new Error("enough"));
    }
  }, /enough/);
  assert.deepEqual(seen, told);
  assert.deepEqual(requests.map(({ path, headers }) => [path, headers["last-event-id"]]), [
    ["/v1/me:watch", undefined],
    ["/v1/me:watch", "8"],
  ]);
});

test("a silent connection is made anew", async (t) => {
  const { url, requests } = await serve(t, (_, response, number) => {
    response.writeHead(200, NDJSON);
    if (number === 1) return response.write(line(change(1)));
    response.end(line(ended(2)));
  });
  assert.deepEqual(await cursorsOf(client(url).watch("sessions/1", { silence: 50 })), [1, 2]);
  assert.equal(requests.length, 2);
});

test("a session that was over before is over at once", async (t) => {
  const { url, requests } = await serve(t, (request, response) => {
    if (request.path.endsWith(":watch")) return response.writeHead(200, NDJSON).end();
    answer(response, { name: "sessions/1", state: "STATE_ABANDONED" });
  });
  assert.deepEqual(await cursorsOf(client(url).watch("sessions/1", { cursor: "9" })), []);
  assert.deepEqual(requests.map(({ path }) => path), ["/v1/sessions/1:watch", "/v1/sessions/1"]);
});

test("a stream whose token ended goes on with the next one", async (t) => {
  const { url, requests } = await serve(t, (request, response, number) => {
    if (request.path === "/v1/accounts:refresh") {
      return answer(response, { access_token: "new", refresh_token: "", token_type: "bearer", expires_in: 3600 });
    }
    if (number > 1 && request.headers.authorization !== "Bearer new") return answer(response, {}, { status: 401 });
    response.writeHead(200, NDJSON).end(line(number === 1 ? change(1) : ended(2)));
  });
  const practice = client(url, { tokens: { accessToken: "old", refreshToken: "r" } });
  assert.deepEqual(await cursorsOf(practice.watch("sessions/1")), [1, 2]);
  assert.equal(requests.length, 4);
});

test("what cannot pass is thrown", async (t) => {
  const { url } = await serve(t, (_, response) => answer(response, {}, { status: 404, "x-practice-reason": "SESSION_NOT_FOUND" }));
  await assert.rejects(cursorsOf(client(url).watch("sessions/1")), ({ reason }) => reason === "SESSION_NOT_FOUND");
});

test("an outage that is longer than all tries of a call is outlasted", async (t) => {
  const { url, requests } = await serve(t, (_, response, number) => {
    if (number < 4) return answer(response, {}, { status: 503 });
    response.writeHead(200, NDJSON).end(line(ended(1)));
  });
  assert.deepEqual(await cursorsOf(client(url, { retries: { attempts: 2 } }).watch("sessions/1")), [1]);
  assert.equal(requests.length, 4);
});

test("leaving the loop ends the connection", async (t) => {
  let closed;
  const { url } = await serve(t, (_, response) => {
    closed = once(response, "close");
    response.writeHead(200, NDJSON).write(line(change(1)));
  });
  for await (const _ of client(url).watch("sessions/1")) break;
  await closed;
});

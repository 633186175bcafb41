import assert from "node:assert/strict";
import { test } from "node:test";

import { PracticeError } from "../dist/index.js";
import { answer, client, nobody, serve } from "./server.js";

const START = "/exercises/session/start";
const BODY = { body: { session_type: "practice" } };

const refusedWith = (reason, status) => (error) => {
  assert.ok(error instanceof PracticeError, error.stack);
  assert.deepEqual([error.reason, error.status], [reason, status]);
  return true;
};

test("a change whose answer is lost is sent again under its key", async (t) => {
  const { url, requests } = await serve(t, (request, response, number) => {
    if (number === 1) return request.socket.destroy();
    if (number === 2) {
      // The headers arrive, and half of the body.
      response.writeHead(200, { "Content-Type": "application/json", "Content-Length": "1000" });
      return response.write('{"session_id": ', () => request.socket.destroy());
    }
    answer(response, { session_id: 7 });
  });
  assert.deepEqual(await client(url).post(START, BODY), { session_id: 7 });
  const [key, ...others] = requests.map(({ headers }) => headers["idempotency-key"]);
  assert.match(key, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.deepEqual(others, [key, key]);
  assert.deepEqual(requests.map(({ body }) => body), [BODY.body, BODY.body, BODY.body]);
  assert.equal(new Set(requests.map(({ headers }) => headers["x-request-id"])).size, 1);
});

test("each change has a key of its own, or the one that is given, and a read has none", async (t) => {
  const { url, requests } = await serve(t, (_, response) => answer(response, {}));
  const practice = client(url);
  await practice.post(START, BODY);
  await practice.post(START, BODY);
  await practice.post(START, { ...BODY, idempotencyKey: "mine" });
  await practice.get("/v1/streaks");
  const keys = requests.map(({ headers }) => headers["idempotency-key"]);
  assert.notEqual(keys[0], keys[1]);
  assert.deepEqual(keys.slice(2), ["mine", undefined]);
});

test("the wait that the platform asks for is kept", async (t) => {
  const times = [];
  const { url } = await serve(t, (_, response, number) => {
    times.push(performance.now());
    if (number === 1) return answer(response, { error: "rate_limited" }, { status: 429, "Retry-After": "1" });
    answer(response, {});
  });
  await client(url).post(START, BODY);
  assert.equal(times.length, 2);
  assert.ok(times[1] - times[0] > 990, `${times[1] - times[0]} ms`);
});

test("a wait that is longer than the deadline is not begun", async (t) => {
  const { url, requests } = await serve(t, (_, response) =>
    answer(response, {}, { status: 429, "Retry-After": "3600", "x-practice-reason": "QUOTA_EXCEEDED" }),
  );
  await assert.rejects(client(url).post(START, BODY), (error) => {
    assert.equal(error.retryAfter, 3600);
    return refusedWith("QUOTA_EXCEEDED", 429)(error);
  });
  assert.equal(requests.length, 1);
});

test("what passes is tried as often as was said, and nothing else twice", async (t) => {
  for (const [status, tries] of [[502, 3], [503, 3], [504, 3], [500, 1], [400, 1], [404, 1], [409, 1]]) {
    const { url, requests } = await serve(t, (_, response) => answer(response, {}, { status }));
    await assert.rejects(client(url, { retries: { attempts: 3 } }).post(START, BODY), refusedWith(`HTTP_${status}`, status));
    assert.equal(requests.length, tries, `${status}`);
  }
});

test("nobody there is told as such", async () => {
  const practice = client(await nobody(), { retries: { attempts: 2 } });
  await assert.rejects(practice.get("/v1/streaks"), refusedWith("NO_ANSWER", 0));
});

test("a try that hangs ends with the deadline", async (t) => {
  const { url, requests } = await serve(t, () => undefined);
  await assert.rejects(client(url).post(START, { ...BODY, deadline: 1_000 }), refusedWith("DEADLINE_EXCEEDED", 0));
  assert.equal(requests.length, 1);
});

test("the deadline is one for all tries", async (t) => {
  const { url } = await serve(t, () => undefined);
  let tries = 0;
  const counted = (request) => (tries++, fetch(request));
  // Without it there would be no end: every try hangs, and there are as many as one likes.
  const practice = client(url, { fetch: counted, deadline: 500, retries: { attempts: Infinity, attemptTimeout: 20 } });
  await assert.rejects(practice.post(START, BODY), (error) => error instanceof PracticeError && error.status === 0);
  assert.ok(tries > 1);
});

test("a signal gives a call up, with its reason", async (t) => {
  const giveUp = new AbortController();
  const { url } = await serve(t, () => giveUp.abort(new Error("left the page")));
  await assert.rejects(client(url).post(START, { ...BODY, signal: giveUp.signal }), /left the page/);
});

test("reads of statistics wait for the newest event that any answer told of", async (t) => {
  const told = ["12", "9", undefined];
  const { url, requests } = await serve(t, (request, response, number) =>
    answer(response, {}, request.method === "POST" && told[number - 1] ? { "x-practice-user-seq": told[number - 1] } : {}),
  );
  const practice = client(url, { timeZone: "Europe/Madrid" });
  for (const _ of told) await practice.post(START, BODY);
  await practice.get("/v1/standing", { params: { query: { product: "exercises" } } });
  await practice.get("/v1/standing", { params: { query: { min_user_seq: 3 } } });
  await practice.get("/v1/sessions");
  assert.equal(practice.userSeq, 12);
  assert.deepEqual(requests.slice(3).map(({ query }) => query), [
    { product: "exercises", min_user_seq: "12" },
    { min_user_seq: "3" },
    {},
  ]);
  assert.ok(requests.every(({ headers }) => headers["x-time-zone"] === "Europe/Madrid"));
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, client, serve } from "./server.js";

const REFRESH = "/v1/accounts:refresh";
const OLD = { accessToken: "old", refreshToken: "r" };

/** Takes the token `new` alone, and sells it for the refresh token `r`. */
const guarded = (request, response) => {
  const bearer = request.headers.authorization;
  if (request.path === REFRESH) {
    assert.equal(bearer, undefined);
    if (request.body.refresh_token !== "r") return answer(response, {}, { status: 401 });
    return answer(response, { access_token: "new", refresh_token: "", token_type: "bearer", expires_in: 3600 });
  }
  if (bearer !== "Bearer new") return answer(response, {}, { status: 401, "x-practice-reason": "TOKEN_INVALID" });
  answer(response, { key: request.headers["idempotency-key"] });
};

const countOf = (requests, path) => requests.filter((request) => request.path === path).length;

test("a token that is refused is renewed once, for however many calls", async (t) => {
  const { url, requests } = await serve(t, guarded);
  const heard = [];
  const practice = client(url, { tokens: OLD, onTokens: (tokens) => heard.push(tokens) });
  const calls = [1, 2, 3].map((each) => practice.post("/v1/problems", { body: {}, idempotencyKey: `k${each}` }));
  assert.deepEqual(await Promise.all(calls), [{ key: "k1" }, { key: "k2" }, { key: "k3" }]);
  assert.equal(countOf(requests, REFRESH), 1);
  assert.equal(heard.length, 1);
  // The platform made no new refresh token: the old one stays.
  assert.deepEqual([heard[0].accessToken, heard[0].refreshToken], ["new", "r"]);
  assert.ok(heard[0].expiresAt > Date.now());
});

test("a token that is about to end is renewed before it is refused", async (t) => {
  const { url, requests } = await serve(t, guarded);
  await client(url, { tokens: { ...OLD, expiresAt: Date.now() + 1000 } }).get("/v1/streaks");
  assert.deepEqual(requests.map(({ path }) => path), [REFRESH, "/v1/streaks"]);
});

test("when the refresh token has ended too, the account has to log in again", async (t) => {
  const { url, requests } = await serve(t, guarded);
  const heard = [];
  const practice = client(url, { tokens: { ...OLD, refreshToken: "ended" }, onTokens: (tokens) => heard.push(tokens) });
  await assert.rejects(practice.get("/v1/streaks"), ({ reason, status }) => reason === "TOKEN_INVALID" && status === 401);
  assert.deepEqual(heard, [undefined]);
  assert.equal(practice.tokens, undefined);
  assert.deepEqual(requests.map(({ path }) => path), ["/v1/streaks", REFRESH]);
});

test("a renewal that gets no answer keeps the tokens", async (t) => {
  const { url } = await serve(t, (request, response) =>
    request.path === REFRESH ? request.socket.destroy() : guarded(request, response),
  );
  const practice = client(url, { tokens: OLD, retries: { attempts: 2 } });
  await assert.rejects(practice.get("/v1/streaks"), ({ reason }) => reason === "NO_ANSWER");
  assert.deepEqual(practice.tokens, OLD);
});

test("another account forgets how far the one before had come", async (t) => {
  const { url } = await serve(t, (request, response) => {
    if (request.path === "/v1/accounts:logIn") {
      return answer(response, { access_token: "b", refresh_token: "", token_type: "bearer", expires_in: 60 });
    }
    answer(response, {}, { "x-practice-user-seq": "5" });
  });
  const practice = client(url, { tokens: OLD });
  await practice.post("/v1/problems", { body: {} });
  await practice.logIn("b@example.com", "a long password");
  assert.equal(practice.userSeq, 0);
  assert.equal(practice.tokens.refreshToken, undefined);
});

import assert from "node:assert/strict";
import { test } from "node:test";

import { answer, client, serve } from "./server.js";

const namesOf = async (items) => (await Array.fromAsync(items)).map(({ name, id }) => name ?? id);

test("a list is read on by its tokens, with what was asked for", async (t) => {
  const pages = { undefined: [["a", "b"], "2"], 2: [[], "3"], 3: [["c"], ""] };
  const { url, requests } = await serve(t, ({ query }, response) => {
    const [names, next_page_token] = pages[query.page_token];
    answer(response, { sessions: names.map((name) => ({ name })), next_page_token });
  });
  const query = { product: "focus", page_size: 2 };
  assert.deepEqual(await namesOf(client(url).items("/v1/sessions", { params: { query } })), ["a", "b", "c"]);
  assert.ok(requests.every((request) => request.query.product === "focus" && request.query.page_size === "2"));
});

test("a page is read when it is asked for, and lost answers do not lose items", async (t) => {
  const { url, requests } = await serve(t, (request, response, number) => {
    if (number === 1) return request.socket.destroy();
    answer(response, { sessions: [{ name: "a" }, { name: "b" }], next_page_token: "more" });
  });
  for await (const { name } of client(url).items("/v1/sessions")) if (name === "b") break;
  assert.equal(requests.length, 2);
});

const KEPT = [5, 4, 3, 2, 1];

test("a product's list is read on by how many were seen", async (t) => {
  const { url } = await serve(t, ({ query }, response) => {
    const skip = Number(query.skip ?? query.offset ?? 0);
    const shown = KEPT.slice(skip, skip + Number(query.limit ?? 2)).map((id) => ({ id }));
    answer(response, { total: KEPT.length, sessions: shown, problems: shown });
  });
  const practice = client(url);
  assert.deepEqual(await namesOf(practice.items("/portal/api/v1/sessions/history")), KEPT);
  assert.deepEqual(await namesOf(practice.items("/yoga/api/v1/sessions/history", { params: { query: { limit: 3 } } })), KEPT);
  assert.deepEqual(await namesOf(practice.items("/design/problems", { params: { query: { skip: 1 } } })), [4, 3, 2, 1]);
});

test("a list without a field of its own is read on too", async (t) => {
  const { url } = await serve(t, ({ query }, response) => {
    const skip = Number(query.skip ?? 0);
    answer(response, KEPT.slice(skip, skip + 2).map((id) => ({ id })));
  });
  assert.deepEqual(await namesOf(client(url).items("/design/sessions/user/my-sessions")), KEPT);
});

test("a list is read on by the last number seen", async (t) => {
  const { url } = await serve(t, ({ query }, response) => {
    const rest = KEPT.filter((id) => id < Number(query.before ?? 6));
    answer(response, { success: true, message: "", data: rest.slice(0, 2).map((id) => ({ id })) });
  });
  assert.deepEqual(await namesOf(client(url).items("/focus/api/v1/sessions")), KEPT);
});

test("whole pages tell what stands beside their list", async (t) => {
  const { url } = await serve(t, ({ query }, response) =>
    answer(response, { days: [], calendars: [], paragraph: query.page_token ?? "1", next_page_token: query.page_token ? "" : "2" }),
  );
  const pages = await Array.fromAsync(client(url).pages("/v1/streaks:explain", { params: { query: { product: "focus" } } }));
  assert.deepEqual(pages.map(({ paragraph }) => paragraph), ["1", "2"]);
});

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { OfflineQueue } from "../dist/index.js";
import { FileStore } from "../dist/node.js";
import { answer, client, nobody, serve } from "./server.js";

const SESSION = {
  product: "exercises",
  start_time: "2026-05-01T10:00:00Z",
  end_time: "2026-05-01T10:10:00Z",
  outcome: "completed",
};
const idOf = ({ session, answer: given }) => session?.client_id ?? given.answer_id;

/** Takes every item once, and refuses what `faultOf` finds a reason for. */
const merging = (faultOf = () => undefined) => {
  const known = new Set();
  return (request, response) => {
    const results = request.body.items.map((item) => {
      const [client_id, reason] = [idOf(item), faultOf(item)];
      if (reason) return { client_id, outcome: "OUTCOME_REFUSED", error: { message: "no", details: [{ reason }] } };
      const outcome = known.has(client_id) ? "OUTCOME_ALREADY_KNOWN" : "OUTCOME_MERGED";
      known.add(client_id);
      return { client_id, outcome, session: "sessions/1", refused_answers: [] };
    });
    answer(response, { results, user_seq: "1", statistics_pending: false });
  };
};

async function folderOf(t) {
  const folder = await mkdtemp(join(tmpdir(), "practice-queue-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Adds sessions without end in a process of its own, until it is killed. Returns the ids it said were safe. */
async function addedByAKilledProcess(folder, count) {
  const program = fileURLToPath(new URL("./adding.js", import.meta.url));
  const child = spawn(process.execPath, [program, folder, JSON.stringify(SESSION)], { stdio: ["ignore", "pipe", "inherit"] });
  const ids = [];
  for await (const id of createInterface({ input: child.stdout })) {
    ids.push(id);
    if (ids.length === count) child.kill("SIGKILL");
  }
  if (child.signalCode === null) await once(child, "exit");
  assert.equal(child.signalCode, "SIGKILL");
  return ids;
}

test("what was added is handed in by a later process, in order, also when the one that added it was killed", async (t) => {
  const folder = await folderOf(t);
  const ids = await addedByAKilledProcess(folder, 20);
  const { url, requests } = await serve(t, merging());
  const queue = new OfflineQueue(client(url), new FileStore(folder));
  const results = await queue.sync();
  assert.deepEqual(results.slice(0, ids.length).map(({ client_id }) => client_id), ids);
  assert.deepEqual(await queue.waiting(), []);
  const { time_zone, answers } = requests[0].body.items[0].session;
  assert.deepEqual([time_zone, answers], [Intl.DateTimeFormat().resolvedOptions().timeZone, []]);
});

test("a sync whose answer is lost is repeated, and nothing is handed in twice", async (t) => {
  const merge = merging();
  const { url, requests } = await serve(t, (request, response, number) => {
    if (number === 1) {
      merge(request, { writeHead: () => ({ end: () => request.socket.destroy() }) });
      return;
    }
    merge(request, response);
  });
  const queue = new OfflineQueue(client(url, { timeZone: "Asia/Tokyo" }), new FileStore(await folderOf(t)));
  await queue.addSession({ ...SESSION, answers: [{ item: "exercises/123", text: "hable", answer_time: SESSION.end_time }] });
  await queue.addAnswer({ session: "sessions/9", item: "exercises/123", answer_time: SESSION.end_time });
  const outcomes = (await queue.sync()).map(({ outcome }) => outcome);
  assert.deepEqual(outcomes, ["OUTCOME_ALREADY_KNOWN", "OUTCOME_ALREADY_KNOWN"]);
  const [first, second] = requests.map(({ headers, body }) => [headers["idempotency-key"], body]);
  assert.deepEqual(second, first);
  const [{ session }, { answer: given }] = requests[0].body.items;
  assert.equal(session.time_zone, "Asia/Tokyo");
  assert.equal(new Set([session.client_id, session.answers[0].answer_id, given.answer_id]).size, 3);
});

test("what nobody answers goes on waiting, also for those who ask at once", async (t) => {
  const store = new FileStore(await folderOf(t));
  const offline = new OfflineQueue(client(await nobody(), { retries: { attempts: 1 } }), store);
  await offline.addSession(SESSION);
  const both = await Promise.allSettled([offline.sync(), offline.sync()]);
  assert.deepEqual(both.map(({ reason }) => reason.reason), ["NO_ANSWER", "NO_ANSWER"]);
  assert.equal((await offline.waiting()).length, 1);
  const { url, requests } = await serve(t, merging());
  const online = new OfflineQueue(client(url), store);
  await Promise.all([online.sync(), online.sync()]);
  assert.deepEqual([requests.length, await online.waiting()], [1, []]);
});

test("what is refused stays until it is corrected or given up, and stops nothing else", async (t) => {
  const { url } = await serve(t, merging(({ session }) => (session.product === "chess" ? "PRODUCT_UNKNOWN" : undefined)));
  const queue = new OfflineQueue(client(url), new FileStore(await folderOf(t)));
  const [wrong, unwanted] = [await queue.addSession({ ...SESSION, product: "chess" }), await queue.addSession({ ...SESSION, product: "chess" })];
  await queue.addSession(SESSION);
  assert.equal((await queue.sync()).length, 3);
  assert.deepEqual(await queue.sync(), []);
  const refused = (await queue.refused()).map(({ id, refused }) => [id, refused]);
  const why = { reason: "PRODUCT_UNKNOWN", message: "no" };
  assert.deepEqual(refused, [[wrong, why], [unwanted, why]]);
  await queue.discard(unwanted);
  await queue.addSession({ ...SESSION, client_id: wrong });
  assert.deepEqual((await queue.sync()).map(({ client_id, outcome }) => [client_id, outcome]), [[wrong, "OUTCOME_MERGED"]]);
  assert.deepEqual(await queue.refused(), []);
});

test("many are handed in in parts that a call takes", async (t) => {
  const { url, requests } = await serve(t, merging());
  const kept = new Map();
  const store = {
    put: async (entry) => kept.set(entry.id, entry),
    delete: async (id) => kept.delete(id),
    all: async () => [...kept.values()].reverse(),
  };
  const queue = new OfflineQueue(client(url), store);
  for (let count = 0; count < 501; count++) await queue.addSession(SESSION);
  for (let count = 0; count < 2; count++) await queue.addSession({ ...SESSION, note: "n".repeat(800_000) });
  const handedIn = [...kept.keys()];
  assert.deepEqual((await queue.sync()).map(({ client_id }) => client_id), handedIn);
  assert.deepEqual(requests.map(({ body }) => body.items.length), [500, 2, 1]);
});

test("half a file of a process that was killed is no entry", async (t) => {
  const folder = await folderOf(t);
  const store = new FileStore(folder);
  await store.put({ id: "../x", item: {} });
  await writeFile(join(folder, "y.json.123"), '{"id": ');
  assert.deepEqual(await store.all(), [{ id: "../x", item: {} }]);
  await store.delete("../x");
  assert.deepEqual([await store.all(), await readdir(folder)], [[], ["y.json.123"]]);
});

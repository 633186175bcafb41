/** What apps do with `practice-client`, in a browser or in Node; each scenario returns what there is to look at. */

import { IndexedDbStore, OfflineQueue, PracticeClient, PracticeError } from "practice-client";

const inBrowser = typeof document !== "undefined";

const clientOf = ({ baseUrl, tokens }, options = {}) => new PracticeClient(baseUrl, { tokens, ...options });

/** Runs a module, and returns the lines that it prints. */
export async function run({ module }) {
  const [lines, { log }] = [[], console];
  console.log = (...words) => lines.push(words.join(" "));
  try {
    await import(module);
  } finally {
    console.log = log;
  }
  return lines;
}

/** A session of every product from start to end. Returns what the last call of each answered, and the standing. */
export async function practise({ gateway }) {
  const practice = clientOf(gateway);
  const ends = {};

  const { session_id } = await practice.post("/exercises/session/start", { body: {} });
  await practice.post("/exercises/submit", { body: { session_id, exercise_id: "123", user_answer: "hable" } });
  ends.exercises = await practice.post("/exercises/session/end", { body: { session_id } });

  const portal = await practice.post("/portal/api/v1/sessions/start", {
    body: { activity_id: 123, settings: { word_count: 2 } },
  });
  const inPortal = { params: { path: { session_id: portal.session_id } } };
  await practice.post("/portal/api/v1/sessions/{session_id}/progress", {
    ...inPortal,
    body: { item_id: portal.first_item.item_id, answer: "?", time_taken: 2 },
  });
  ends.portal = await practice.post("/portal/api/v1/sessions/{session_id}/complete", { ...inPortal, body: {} });

  const yoga = await practice.post("/yoga/api/v1/sessions/start", { body: { sequence_id: 123 } });
  ends.yoga = await practice.post("/yoga/api/v1/sessions/complete", {
    body: { session_id: yoga.session_id, duration_seconds: 60, completion_status: "completed" },
  });

  const focus = await practice.post("/focus/api/v1/sessions", { body: { duration_seconds: 1500 } });
  ends.focus = await practice.patch("/focus/api/v1/sessions/{id}/end", {
    params: { path: { id: focus.data.id } },
    body: { elapsed_seconds: 20, status: "completed" },
  });

  const { problems } = await practice.get("/design/problems/search/query", { params: { query: { q: "url" } } });
  const design = await practice.post("/design/sessions", { body: { problem_id: problems[0].id } });
  const inDesign = { params: { path: { session_id: design.id } } };
  await practice.put("/design/sessions/{session_id}/autosave", {
    ...inDesign,
    body: { diagram_data: { elements: [] }, time_spent: 60 },
  });
  ends.design = await practice.post("/design/submissions/from-session/{session_id}", inDesign);

  const { totals } = await practice.get("/v1/standing", { params: { query: { product: "all" } } });
  const names = [];
  for await (const { product } of practice.items("/v1/sessions", { params: { query: { page_size: 2 } } })) {
    names.push(product);
  }
  return { ends, totals, names };
}

/** Keeps a session, while there is no network. The queue is the browser's: the page goes, and it stays. */
export async function addOffline({ gateway, session }) {
  const queue = new OfflineQueue(clientOf(gateway, { retries: { attempts: 1 } }), new IndexedDbStore("of-ana"));
  const id = await queue.addSession(session);
  try {
    return { id, results: await queue.sync() };
  } catch (error) {
    if (!(error instanceof PracticeError)) throw error;
    return { id, reason: error.reason };
  }
}

/** Hands in what an earlier page has kept. */
export async function syncLater({ gateway }) {
  const practice = clientOf(gateway);
  const queue = new OfflineQueue(practice, new IndexedDbStore("of-ana"));
  const waiting = (await queue.waiting()).map(({ id }) => id);
  const results = await queue.sync();
  const { totals } = await practice.get("/v1/standing", { params: { query: { product: "focus" } } });
  return { waiting, results, left: await queue.waiting(), again: await queue.sync(), totals };
}

/** Listens to statistics while a session is practised. Returns what was told first, and what the session led to. */
export async function watchStatistics({ gateway }) {
  const practice = clientOf(gateway);
  const changes = practice.watchStatistics();
  const seen = [(await changes.next()).value];
  await practice.post("/exercises/submit", { body: { exercise_id: "123", user_answer: "hable" } });
  for await (const change of changes) {
    seen.push(change);
    if (Number(change.cursor) >= practice.userSeq) return seen;
  }
}

/** Watches a session over a network that goes away while it is answered. `network` says so at `/go` and `/come`. */
export async function watchOverABreak({ gateway, behind, network }) {
  const tell = (word) => fetch(`${network}/${word}`, { mode: inBrowser ? "no-cors" : "cors" });
  const [listener, learner] = [clientOf(behind), clientOf(gateway)];
  const { session } = await learner.post("/v1/sessions", { body: { product: "exercises" } });
  const inSession = { params: { path: { session: session.name } } };
  const submit = () =>
    learner.post("/v1/sessions/{session}:submitAnswers", {
      ...inSession,
      body: { answers: [{ item: "exercises/123", text: "hable" }] },
    });

  const changes = listener.watch(session.name);
  const seen = [(await changes.next()).value];
  await submit();
  seen.push((await changes.next()).value);
  const next = changes.next();
  await tell("go");
  await submit();
  await tell("come");
  await submit();
  seen.push((await next).value);
  await learner.post("/v1/sessions/{session}:complete", { ...inSession, body: {} });
  for await (const change of changes) seen.push(change);
  return seen;
}

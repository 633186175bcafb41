/** What the tests have the clients do; each scenario returns what the person would have been shown. */

import { DrillManager } from "./exercises.js";
import { call, refusal } from "./gateway.js";
import * as portal from "./portal.js";

/** Starts a session, or finds the one under way, and sends the answers. */
export async function drill({ gateway, kind, answers }, storage) {
  const manager = new DrillManager(gateway, storage);
  const started = await manager.start(kind);
  const results = [];
  for (const { exerciseId, text, seconds } of answers) {
    results.push(await manager.submit(exerciseId, text, seconds));
  }
  return { started, results };
}

/** Sends one answer twice, as an app does that did not hear the first time. */
export async function repeat({ gateway, exerciseId, text }, storage) {
  const manager = new DrillManager(gateway, storage);
  await manager.start();
  const key = crypto.randomUUID();
  return [
    await manager.submit(exerciseId, text, 2, key),
    await manager.submit(exerciseId, text, 2, key),
    await refusal(manager.submit(exerciseId, `${text}?`, 2, key)),
  ];
}

/** Ends the session under way. */
export function finish({ gateway }, storage) {
  return new DrillManager(gateway, storage).end();
}

/** Sends calls that are refused, and returns each `{status, body}`. */
export function refusals({ gateway, calls }) {
  return Promise.all(
    calls.map(({ method, path, body, headers }) => refusal(call(gateway, method, path, body, headers))),
  );
}

/** Tells whether the page may read its own server under another `host`. */
export async function readable({ host }) {
  const url = new URL("/", location.href);
  url.hostname = host;
  try {
    await fetch(url);
    return true;
  } catch {
    return false;
  }
}

/** Answers every word of a session while a listener watches. Waits for each answer's own event. */
export async function watchedWords({ gateway, activityId, settings, answers }) {
  const started = await portal.start(gateway, activityId, settings);
  const live = new portal.Live(gateway, started.session_id);
  await live.next(({ type }) => type === "time_update");
  const results = [];
  for (let item = started.first_item; item; item = results.at(-1).next_item) {
    const answer = answers[item.word] ?? "?";
    results.push(await portal.progress(gateway, started.session_id, item.item_id, answer, 1.5));
    const { completed } = results.at(-1).progress;
    await live.next(({ type, data }) => type === "progress_update" && data.completed === completed);
  }
  const finished = await portal.complete(gateway, started.session_id);
  const closed = await live.closed;
  return { started, results, finished, closed, events: live.events };
}

/** Gives a session up while a listener watches. */
export async function cancelled({ gateway, sessionId }) {
  const live = new portal.Live(gateway, sessionId);
  await live.next(({ type }) => type === "time_update");
  const answer = await portal.cancel(gateway, sessionId);
  return { answer, closed: await live.closed, events: live.events };
}

/** Listens to a session that is another's, or with a token that is none. */
export async function listen({ gateway, sessionId }) {
  const live = new portal.Live(gateway, sessionId);
  const closed = await live.closed;
  return { closed, events: live.events };
}

/** Each marked line is wrong: without an error of types there, the mark itself is one. */

import { type Answer, PracticeClient, type Schemas } from "practice-client";

const practice = new PracticeClient("http://127.0.0.1:8080");

export async function wrong(): Promise<void> {
  // @ts-expect-error there is no such path
  await practice.get("/v1/nothing");
  // @ts-expect-error it takes another method
  await practice.get("/exercises/session/start");
  // @ts-expect-error it takes a body
  await practice.post("/exercises/session/end");
  // @ts-expect-error a text is no number of seconds
  await practice.post("/exercises/submit", { body: { exercise_id: "1", user_answer: "a", time_taken: "8" } });
  // @ts-expect-error it takes the id of a session
  await practice.get("/v1/sessions/{session}");
  // @ts-expect-error it takes no such parameter
  await practice.get("/v1/standing", { params: { query: { produkt: "focus" } } });
  // @ts-expect-error it is no list
  for await (const _ of practice.items("/v1/standing")) break;
}

export async function right(): Promise<number> {
  const { streak }: Answer<"/v1/standing", "get"> = await practice.get("/v1/standing", {
    params: { query: { product: "focus" } },
    deadline: 1_000,
  });
  for await (const session of practice.items("/v1/sessions")) {
    const state: Schemas["PracticeSessionState"] = session.state;
    if (state === "STATE_ACTIVE") return 0;
  }
  for await (const { id } of practice.items("/focus/api/v1/sessions")) return id;
  const session: Schemas["PracticeSession"] = await practice.get("/v1/sessions/{session}", {
    params: { path: { session: "sessions/1" } },
  });
  return (streak?.current_days ?? 0) + session.name.length;
}

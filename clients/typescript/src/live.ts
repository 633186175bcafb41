/** Live events: a stream that goes on where it broke off, with nothing lost and nothing told twice. */

import { PracticeError } from "./errors.js";
import { idOf } from "./ids.js";
import type { Schemas } from "./paths.js";
import { Limit, sleep, unlessAborted } from "./timing.js";

/** How to listen. */
export interface Live {
  /** Gives up listening: the iterator throws the signal's reason. Leaving its loop ends it too. */
  signal?: AbortSignal;
  /** The last event that was seen: only what came after it is told. */
  cursor?: string;
  /** Milliseconds of silence after which the connection is made anew; 90,000 unless said otherwise. */
  silence?: number;
}

/** One event as it came, with its place, where it has one, and what the server calls it. */
interface LiveEvent {
  id: string;
  type: string;
  data: unknown;
}

type Open = (
  path: string,
  query: Record<string, string>,
  headers: Record<string, string>,
  signal?: AbortSignal,
) => Promise<Response>;

const SILENCE = 90_000;
const FIRST_WAIT = 250;
const LONGEST_WAIT = 15_000;
const EVENT_STREAM = "text/event-stream";
// The last event of a stream, and its reason where there is nothing more to come.
const END = "end";
const SESSION_ENDED = "SESSION_ENDED";
// The states of a session that is over: nothing more will happen to it.
const OVER: ReadonlySet<string> = new Set(["STATE_COMPLETED", "STATE_PARTIAL", "STATE_ABANDONED"]);

/** Yields the changes of a session until it is over. */
export async function* watchSession(
  open: Open,
  session: string,
  live: Live,
): AsyncGenerator<Schemas["SessionChange"], void> {
  const path = `/v1/sessions/${idOf(session)}`;
  const stream = follow(open, `${path}:watch`, live, async () => {
    // A stream that ends without a word may be one of a session that was over before `cursor`.
    const told = (await (await open(path, {}, {}, live.signal)).json()) as { state: string };
    return OVER.has(told.state);
  });
  for await (const { data } of stream) {
    const change = data as Schemas["SessionChange"];
    yield change;
    if (OVER.has(change.state)) return;
  }
}

/** Yields what becomes of the learner's statistics, without end: every end of the stream is a break. */
export async function* watchStatistics(open: Open, live: Live): AsyncGenerator<Schemas["StatisticsChange"], void> {
  const stream = follow(open, "/v1/me:watch", live, () => Promise.resolve(false));
  for await (const { data } of stream) yield data as Schemas["StatisticsChange"];
}

/** `isOver` is asked when a stream ended as it should and had nothing to tell. */
async function* follow(
  open: Open,
  path: string,
  live: Live,
  isOver: () => Promise<boolean>,
): AsyncGenerator<LiveEvent, void> {
  const given = live.signal ?? new AbortController().signal;
  let cursor = live.cursor ?? "";
  let resumesById = false;
  for (let failures = 0; ; ) {
    // Leaving the loop that reads ends the connection.
    const connection = new AbortController();
    let told = false;
    try {
      const response = await open(
        path,
        cursor && !resumesById ? { cursor } : {},
        { Accept: `${EVENT_STREAM}, application/x-ndjson`, ...(cursor && resumesById ? { "Last-Event-ID": cursor } : {}) },
        AbortSignal.any([given, connection.signal]),
      );
      resumesById = isEventStream(response);
      for await (const event of eventsIn(response, live.silence ?? SILENCE)) {
        if (event.type === END) {
          if (isLast(event)) return;
          // The token ended, or a part of the platform did: who comes back goes on, or is told what is wrong.
          break;
        }
        [failures, told] = [0, true];
        if (cursor && event.id && isKnown(event.id, cursor)) continue;
        cursor = event.id || cursor;
        yield event;
      }
      if (!told && (await isOver())) return;
    } catch (error) {
      if (given.aborted) throw given.reason;
      if (error instanceof PracticeError && !passes(error)) throw error;
    } finally {
      connection.abort();
    }
    await sleep(Math.random() * Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** failures++), given);
  }
}

/** Whether the server may be well again by itself. */
function passes({ status }: PracticeError): boolean {
  return status === 0 || status === 429 || status >= 500;
}

function isLast({ data }: LiveEvent): boolean {
  return (data as { reason?: string } | null)?.reason === SESSION_ENDED;
}

/** Places are numbers that grow. */
function isKnown(id: string, cursor: string): boolean {
  return /^\d+$/.test(id) && /^\d+$/.test(cursor) && BigInt(id) <= BigInt(cursor);
}

function isEventStream(response: Response): boolean {
  return (response.headers.get("content-type") ?? "").startsWith(EVENT_STREAM);
}

/** Yields what a stream tells, in either of its two forms. */
async function* eventsIn(response: Response, silence: number): AsyncGenerator<LiveEvent, void> {
  const lines = linesOf(response, silence);
  if (!isEventStream(response)) {
    for await (const line of lines) if (line) yield eventOf(line, "", "");
    return;
  }
  // https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
  let [id, type, data] = ["", "", [] as string[]];
  for await (const line of lines) {
    const [, name, value] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) as unknown as [string, string, string?];
    if (name === "data") data.push(value ?? "");
    else if (name === "id") id = value ?? "";
    else if (name === "event") type = value ?? "";
    else if (line === "") {
      if (data.length) yield eventOf(data.join("\n"), id, type);
      [id, type, data] = ["", "", []];
    }
  }
}

/** The form without ids has the place in each change. */
function eventOf(text: string, id: string, type: string): LiveEvent {
  const data: unknown = JSON.parse(text);
  return { id: id || ((data as { cursor?: string } | null)?.cursor ?? ""), type: type || "message", data };
}

/** Yields whole lines; what a break cut off is none. Throws after a silence. */
async function* linesOf(response: Response, silence: number): AsyncGenerator<string, void> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const limit = new Limit(silence, () => new PracticeError(`silence for ${silence} ms`, { reason: "SILENCE" }));
      const { done, value } = await unlessAborted(reader.read(), limit.signal).finally(() => limit.stop());
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split(/\r\n|\n|\r(?!$)/);
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

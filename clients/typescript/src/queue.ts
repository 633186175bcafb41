/** What is practised without a network: kept on the device, and handed in when there is one. */

import type { PracticeClient } from "./client.js";
import { deviceZone, uuid7 } from "./ids.js";
import type { Schemas } from "./paths.js";

type Session = Schemas["OfflineSession"];
type GivenAnswer = Schemas["OfflineAnswer"];
type Result = Schemas["SyncResult"];

/** An answer that the queue gives an id, unless it has one. */
export type NewAnswer = Omit<GivenAnswer, "answer_id"> & { answer_id?: string };
/** A session that the queue gives an id and the device's zone, unless it has them. */
export type NewSession = Omit<Session, "client_id" | "time_zone" | "answers"> & {
  client_id?: string;
  time_zone?: string;
  answers?: NewAnswer[];
};

/** Something that waits to be handed in, or was refused. */
export interface Entry {
  /** The `client_id` of a session, or the `answer_id` of an answer. */
  id: string;
  item: Schemas["SyncItem"];
  /** Why the platform did not take it; it is not sent again as it is. */
  refused?: { reason: string; message: string };
}

/** Keeps entries over a reload or a restart. `IndexedDbStore` in a browser, `FileStore` in Node. */
export interface QueueStore {
  /** Keeps an entry, in place of the one with its id. On return it is safe. */
  put(entry: Entry): Promise<void>;
  delete(id: string): Promise<void>;
  /** Returns everything, in whichever order. */
  all(): Promise<Entry[]>;
}

// Well within what the platform takes of a call: 2,000 items, 20,000 answers, 2.5 MiB.
const ITEMS = 500;
const BYTES = 1_500_000;

/** Sessions and answers that are handed in once each, however often that is tried, and by whom. */
export class OfflineQueue {
  readonly #client: PracticeClient;
  readonly #store: QueueStore;
  #syncing: Promise<Result[]> | undefined;

  /** A store belongs to one account: what is in it is handed in as the client's. */
  constructor(client: PracticeClient, store: QueueStore) {
    this.#client = client;
    this.#store = store;
  }

  /** Keeps a session that began and ended offline. Returns its id. */
  async addSession(session: NewSession): Promise<string> {
    const { answers = [], ...rest } = session;
    const whole: Session = {
      client_id: uuid7(),
      time_zone: this.#client.timeZone ?? deviceZone(),
      ...rest,
      answers: answers.map((answer) => ({ answer_id: uuid7(), ...answer })),
    };
    await this.#store.put({ id: whole.client_id, item: { session: whole } });
    return whole.client_id;
  }

  /** Keeps an answer in a session that was started online: `session` is `sessions/{number}`. Returns its id. */
  async addAnswer(answer: NewAnswer & { session: string }): Promise<string> {
    const whole: GivenAnswer = { answer_id: uuid7(), ...answer };
    await this.#store.put({ id: whole.answer_id, item: { answer: whole } });
    return whole.answer_id;
  }

  /** Returns what waits, in the order in which it was made. */
  async waiting(): Promise<Entry[]> {
    return (await this.#entries()).filter(({ refused }) => !refused);
  }

  /** Returns what was refused. Corrected and added under its id it waits again; `discard` gives it up. */
  async refused(): Promise<Entry[]> {
    return (await this.#entries()).filter(({ refused }) => refused);
  }

  /** Forgets an entry. */
  discard(id: string): Promise<void> {
    return this.#store.delete(id);
  }

  /**
   * Hands in what waits, and returns what became of each. What is on record leaves the queue, what was refused stays
   * in `refused()`. Throws PracticeError where nothing was answered: the rest still waits, and may be on record.
   */
  sync(options: { signal?: AbortSignal } = {}): Promise<Result[]> {
    this.#syncing ??= this.#sync(options).finally(() => (this.#syncing = undefined));
    return this.#syncing;
  }

  async #sync(options: { signal?: AbortSignal }): Promise<Result[]> {
    const results: Result[] = [];
    for (const entries of batches(await this.waiting())) {
      const items = entries.map(({ item }) => item);
      const answer = await this.#client.post("/v1/sessions:sync", { body: { items }, ...options });
      for (const [place, result] of answer.results.entries()) {
        await this.#settle(entries[place] as Entry, result);
        results.push(result);
      }
    }
    return results;
  }

  async #settle(entry: Entry, { outcome, error }: Result): Promise<void> {
    if (outcome === "OUTCOME_MERGED" || outcome === "OUTCOME_ALREADY_KNOWN") {
      await this.#store.delete(entry.id);
      return;
    }
    const info = error?.details.find((detail) => "reason" in detail);
    await this.#store.put({
      ...entry,
      refused: { reason: String(info?.reason ?? outcome), message: error?.message ?? "" },
    });
  }

  /** Ids are made in the order of time. */
  async #entries(): Promise<Entry[]> {
    return (await this.#store.all()).sort((one, other) => (one.id < other.id ? -1 : 1));
  }
}

/** Yields entries in parts that a call takes. */
function* batches(entries: Entry[]): Generator<Entry[]> {
  let [batch, bytes]: [Entry[], number] = [[], 0];
  for (const entry of entries) {
    const size = new TextEncoder().encode(JSON.stringify(entry.item)).length;
    if (batch.length && (batch.length === ITEMS || bytes + size > BYTES)) {
      yield batch;
      [batch, bytes] = [[], 0];
    }
    batch.push(entry);
    bytes += size;
  }
  if (batch.length) yield batch;
}

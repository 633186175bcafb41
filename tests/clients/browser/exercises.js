/** The exercises product as a web app uses it: one session at a time, kept over reloads of the page. */

import { call } from "./gateway.js";

const KEPT = "practice.session";

export class DrillManager {
  #gateway;
  #storage;

  /**
   * @param {{baseUrl: string, token: string}} gateway where to send calls, and as whom
   * @param {Storage} storage localStorage, or anything with its three methods
   */
  constructor(gateway, storage) {
    this.#gateway = gateway;
    this.#storage = storage;
  }

  /** The session under way as the gateway answered it, or null. */
  get session() {
    return JSON.parse(this.#storage.getItem(KEPT) ?? "null");
  }

  /** Starts a session, unless one is under way: then that one goes on. */
  async start(kind = "practice") {
    if (this.session) return this.session;
    const session = await this.#post("session/start", { session_type: kind });
    this.#storage.setItem(KEPT, JSON.stringify(session));
    return session;
  }

  /** Sends one answer. A call that is sent twice has to name its key, and then counts once. */
  async submit(exerciseId, answer, seconds, key = crypto.randomUUID()) {
    const body = { exercise_id: exerciseId, user_answer: answer, time_taken: seconds };
    return this.#post("submit", { ...body, session_id: this.#underWay() }, { "Idempotency-Key": key });
  }

  /** Ends the session and returns its summary. */
  async end() {
    const summary = await this.#post("session/end", { session_id: this.#underWay() });
    this.#storage.removeItem(KEPT);
    return summary;
  }

  #underWay() {
    const { session } = this;
    if (!session) throw new Error("no session is under way: call start() first");
    return session.session_id;
  }

  #post(path, body, headers = {}) {
    return call(this.#gateway, "POST", `/api/exercises/${path}`, body, headers);
  }
}

/** Sends requests until they are answered: again under the same key, after a while, within a deadline. */

import { DEADLINE_EXCEEDED, NO_ANSWER, PracticeError } from "./errors.js";
import { uuid7 } from "./ids.js";
import { Limit, sleep, unlessAborted } from "./timing.js";
import type { TokenKeeper } from "./tokens.js";

/** How often, and after how long, a call is tried again. Times are in milliseconds. */
export interface Retries {
  /** Tries in all; 1 never tries again. */
  attempts: number;
  /** The wait before the second try is up to this long, and up to twice as long before each that follows. */
  firstWait: number;
  /** No wait is longer than this, unless the platform asks for it. */
  longestWait: number;
  /** A try that takes longer has failed. */
  attemptTimeout: number;
}

export const RETRIES: Retries = { attempts: 6, firstWait: 250, longestWait: 8_000, attemptTimeout: 12_000 };

export interface Sending {
  /** Milliseconds for all tries together, the waits between them included. */
  deadline: number;
  /** Whose token goes along; nobody's when left out. */
  tokens?: TokenKeeper;
  /** Whether the body is to be read by the caller, as it comes: then only the headers have a deadline. */
  stream?: boolean;
}

// No answer, a request that came too slowly, too many at once, and a part of the platform that is away. All others
// say that the request itself cannot succeed.
const PASSING = new Set([0, 408, 429, 502, 503, 504]);

export class Sender {
  readonly #fetch: typeof globalThis.fetch;
  readonly #retries: Retries;

  constructor(fetch: typeof globalThis.fetch, retries: Retries) {
    this.#fetch = fetch;
    this.#retries = retries;
  }

  /** Returns the answer. Throws PracticeError, and what the request's signal was aborted with. */
  async send(request: Request, sending: Sending): Promise<Response> {
    // All tries have one id: the platform's logs tell which of them arrived.
    const requestId = uuid7();
    request.headers.set("X-Request-Id", requestId);
    const late = `no answer within ${sending.deadline} ms`;
    const limit = new Limit(
      sending.deadline,
      () => new PracticeError(late, { reason: DEADLINE_EXCEEDED, requestId }),
    );
    try {
      return await this.#untilAnswered(request, sending, limit);
    } finally {
      limit.stop();
    }
  }

  async #untilAnswered(request: Request, sending: Sending, limit: Limit): Promise<Response> {
    const signal = AbortSignal.any([request.signal, limit.signal]);
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const token = sending.tokens && (await unlessAborted(sending.tokens.current(), signal));
      const answer = await this.#try(request, token, sending.stream ?? false, signal);
      if (answer instanceof Response) return answer;
      if (answer.status === 401 && sending.tokens && token && !renewed) {
        renewed = true;
        if (await unlessAborted(sending.tokens.renew(token), signal)) continue;
      }
      const wait = this.#waitAfter(answer, attempt);
      if (!PASSING.has(answer.status) || attempt >= this.#retries.attempts || wait > limit.left) throw answer;
      await sleep(wait, signal);
    }
  }

  /** Returns the answer, or what went wrong with this try. Throws what the signal is aborted with. */
  async #try(
    request: Request,
    token: string | undefined,
    stream: boolean,
    signal: AbortSignal,
  ): Promise<Response | PracticeError> {
    const { attemptTimeout } = this.#retries;
    const limit = new Limit(attemptTimeout, () => new Error(`no answer within ${attemptTimeout} ms`));
    const sent = new Request(request.clone(), { signal: AbortSignal.any([signal, limit.signal]) });
    if (token) sent.headers.set("Authorization", `Bearer ${token}`);
    try {
      const response = await this.#fetch(sent);
      if (stream && response.ok) return response;
      const body = await response.arrayBuffer();
      if (!response.ok) return PracticeError.of(response, new TextDecoder().decode(body));
      const { status, statusText, headers } = response;
      return new Response(body.byteLength ? body : null, { status, statusText, headers });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const requestId = request.headers.get("X-Request-Id") ?? "";
      return new PracticeError("no answer: the network or the platform is away", {
        reason: NO_ANSWER,
        requestId,
        cause: error,
      });
    } finally {
      limit.stop();
    }
  }

  #waitAfter(answer: PracticeError, attempt: number): number {
    const { firstWait, longestWait } = this.#retries;
    // Any length up to the longest: clients that failed together come back apart.
    const wait = Math.random() * Math.min(longestWait, firstWait * 2 ** (attempt - 1));
    return answer.retryAfter === undefined ? wait : answer.retryAfter * 1000 + Math.random() * firstWait;
  }
}

/** The client: typed calls of every API, the account's tokens, lists, and live events. */

import createClient from "openapi-fetch";

import { READS } from "./generated/tables.js";
import { idOf, uuid7 } from "./ids.js";
import { type Live, watchSession, watchStatistics } from "./live.js";
import { itemsIn, pagesOf } from "./pages.js";
import type { Answer, Call, CallOptions, Item, ListPath, Method, PageArguments, PagedPath, Schemas } from "./paths.js";
import { RETRIES, type Retries, Sender } from "./sending.js";
import { type TokenAnswer, TokenKeeper, type Tokens } from "./tokens.js";

/** How a client behaves. Everything may be left out. */
export interface ClientOptions {
  /** Tokens of an account that has logged in before. */
  tokens?: Tokens;
  /** Hears of new tokens, to keep them; of undefined when the account has to log in again. */
  onTokens?: (tokens: Tokens | undefined) => void;
  /** The learner's IANA zone, sent with every call: the platform counts days by it. */
  timeZone?: string;
  /** Milliseconds for all tries of a call together, 30,000 unless the call says otherwise. */
  deadline?: number;
  retries?: Partial<Retries>;
  /** In place of the global `fetch`. */
  fetch?: typeof globalThis.fetch;
}

interface Init extends CallOptions {
  params?: { query?: Record<string, unknown>; path?: Record<string, unknown> };
  headers?: Record<string, string>;
  parseAs?: string;
}
type Untyped = (method: string, path: string, init: object) => Promise<{ data?: unknown }>;

/** Speaks to one platform for one account. */
export class PracticeClient {
  /** `practice.get("/v1/standing", { params: { query: { product: "exercises" } } })`, and so on. */
  readonly get = this.#method("get");
  readonly post = this.#method("post");
  readonly put = this.#method("put");
  readonly patch = this.#method("patch");
  readonly delete = this.#method("delete");

  /** The zone that is sent along. */
  readonly timeZone: string | undefined;

  readonly #baseUrl: string;
  readonly #deadline: number;
  readonly #sender: Sender;
  readonly #tokens: TokenKeeper;
  readonly #request: Untyped;
  #userSeq = 0;

  /** `baseUrl` is where the gateway is, such as `http://127.0.0.1:8080`. */
  constructor(baseUrl: string, options: ClientOptions = {}) {
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#deadline = options.deadline ?? 30_000;
    this.timeZone = options.timeZone;
    const send = options.fetch ?? ((...request) => globalThis.fetch(...request));
    this.#sender = new Sender(send, { ...RETRIES, ...options.retries });
    this.#tokens = new TokenKeeper(
      options.tokens,
      (refreshToken) => this.#withoutToken("/v1/accounts:refresh", { refresh_token: refreshToken }),
      (tokens) => options.onTokens?.(tokens),
    );
    this.#request = createClient({ baseUrl: this.#baseUrl }).request as Untyped;
  }

  /** The tokens in force; undefined before a log-in, and after they have ended. */
  get tokens(): Tokens | undefined {
    return this.#tokens.tokens;
  }

  /** The place of the newest of the learner's events that any call has told of: reads wait until it is counted. */
  get userSeq(): number {
    return this.#userSeq;
  }

  /** Makes an account, and logs in. */
  async signUp(account: Schemas["SignUpRequest"] & { password: string }): Promise<void> {
    await this.#withoutToken("/v1/accounts:signUp", account);
    await this.logIn(account.email, account.password);
  }

  /** Takes on an account. Throws PracticeError, `CREDENTIALS_INVALID` where they do not belong together. */
  async logIn(email: string, password: string): Promise<void> {
    const answer = await this.#withoutToken("/v1/accounts:logIn", { email, password });
    this.#userSeq = 0;
    this.#tokens.set(undefined);
    this.#tokens.take(answer);
  }

  /** Ends the refresh token, and forgets both. */
  async logOut(): Promise<void> {
    const { refreshToken } = this.#tokens.tokens ?? {};
    if (refreshToken) await this.post("/v1/accounts:logOut", { body: { refresh_token: refreshToken } });
    this.#userSeq = 0;
    this.#tokens.set(undefined);
  }

  /** Yields the pages of a list, read as they are asked for. */
  async *pages<P extends PagedPath>(path: P, ...[init]: PageArguments<P>): AsyncGenerator<Answer<P, "get">, void> {
    const { params, ...others } = (init ?? {}) as Init;
    const read = (query: Record<string, unknown>): Promise<Record<string, unknown>> =>
      this.#call("get", path, { ...others, params: { ...params, query } }) as Promise<Record<string, unknown>>;
    for await (const page of pagesOf(path, params?.query ?? {}, read)) yield page as Answer<P, "get">;
  }

  /** Yields everything in a list, whatever pages it comes in. */
  async *items<P extends ListPath>(path: P, ...init: PageArguments<P>): AsyncGenerator<Item<P>, void> {
    for await (const page of this.pages(path, ...init)) yield* itemsIn(path, page) as Item<P>[];
  }

  /**
   * Yields what happens to a session, `sessions/{number}`, until it ends: a snapshot first, then every change once
   * and in order, over any number of broken connections. With `cursor` it goes on after a change that was seen.
   */
  watch(session: string, live: Live = {}): AsyncGenerator<Schemas["SessionChange"], void> {
    return watchSession(this.#opener(), session, live);
  }

  /**
   * Yields the learner's statistics, all of them first, then what changes: streaks, badges and totals. It goes on
   * over broken connections until it is given up.
   */
  watchStatistics(live: Live = {}): AsyncGenerator<Schemas["StatisticsChange"], void> {
    return watchStatistics(this.#opener(), live);
  }

  #opener() {
    return (path: string, query: Record<string, string>, headers: Record<string, string>, signal?: AbortSignal) => {
      const url = new URL(this.#baseUrl + path, globalThis.location?.href);
      for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
      const request = new Request(url, { headers, ...(signal ? { signal } : {}) });
      return this.#sender.send(request, { deadline: this.#deadline, tokens: this.#tokens, stream: true });
    };
  }

  #method<M extends Method>(method: M): Call<M> {
    return ((path: string, init: Init = {}) => this.#call(method, path, init)) as unknown as Call<M>;
  }

  async #withoutToken(path: string, body: object): Promise<TokenAnswer> {
    return (await this.#call("post", path, { body } as Init, true)) as TokenAnswer;
  }

  async #call(method: Method, path: string, init: Init, anonymous = false): Promise<unknown> {
    const { deadline = this.#deadline, idempotencyKey, params, headers, ...others } = init;
    const said = { ...this.#headers(method, idempotencyKey), ...headers };
    const sending = {
      deadline,
      stream: init.parseAs === "stream",
      ...(anonymous ? {} : { tokens: this.#tokens }),
    };
    const { data } = await this.#request(method, path, {
      ...others,
      params: this.#waiting(path, named(path, params)),
      headers: said,
      fetch: async (request: Request) => this.#noted(await this.#sender.send(request, sending)),
    });
    return data;
  }

  #headers(method: Method, key: string | undefined): Record<string, string> {
    return {
      ...(method === "get" ? {} : { "Idempotency-Key": key ?? uuid7() }),
      ...(this.timeZone ? { "X-Time-Zone": this.timeZone } : {}),
    };
  }

  /** A read of statistics waits for the newest event that any answer has told of, unless it names one itself. */
  #waiting(path: string, params: Init["params"]): Init["params"] {
    if (!READS.has(path) || this.#userSeq === 0) return params;
    return { ...params, query: { min_user_seq: this.#userSeq, ...params?.query } };
  }

  #noted(response: Response): Response {
    const seen = Number(response.headers.get("x-practice-user-seq") ?? 0);
    if (seen > this.#userSeq) this.#userSeq = seen;
    return response;
  }
}

/** Where a path of `/v1` takes an id, the name of the resource does as well. */
function named(path: string, params: Init["params"]): Init["params"] {
  if (!params?.path || !path.startsWith("/v1/")) return params;
  const ids = Object.entries(params.path).map(([name, value]) => [name, typeof value === "string" ? idOf(value) : value]);
  return { ...params, path: Object.fromEntries(ids) };
}

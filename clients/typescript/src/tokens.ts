/** Keeps the tokens of an account, and renews the access token. */

import { PracticeError } from "./errors.js";

/** What lets the client act for an account. An app may keep it, and give it to the next client. */
export interface Tokens {
  accessToken: string;
  /** Buys new access tokens; without it the client ends with its access token. */
  refreshToken?: string;
  /** When the access token ends, in milliseconds since 1970 by the device's clock. */
  expiresAt?: number;
}

/** What the platform answers to a log-in or a renewal. */
export interface TokenAnswer {
  access_token: string;
  /** Empty when no new one was made. */
  refresh_token: string;
  expires_in: number;
}

/** Buys an access token for a refresh token. */
export type Renew = (refreshToken: string) => Promise<TokenAnswer>;

// A token that ends while a call is under way costs another round trip.
const AHEAD_MILLISECONDS = 60_000;

export class TokenKeeper {
  readonly #renew: Renew;
  readonly #told: (tokens: Tokens | undefined) => void;
  #tokens: Tokens | undefined;
  #renewal: Promise<boolean> | undefined;

  /** `told` hears of every change: undefined says that there are none any more. */
  constructor(tokens: Tokens | undefined, renew: Renew, told: (tokens: Tokens | undefined) => void) {
    this.#tokens = tokens;
    this.#renew = renew;
    this.#told = told;
  }

  get tokens(): Tokens | undefined {
    return this.#tokens;
  }

  set(tokens: Tokens | undefined): void {
    this.#tokens = tokens;
    this.#told(tokens);
  }

  /** Takes what a log-in or a renewal was answered. */
  take({ access_token, refresh_token, expires_in }: TokenAnswer): void {
    const refreshToken = refresh_token || this.#tokens?.refreshToken;
    const expiresAt = Date.now() + expires_in * 1000;
    this.set({ accessToken: access_token, expiresAt, ...(refreshToken ? { refreshToken } : {}) });
  }

  /** Returns the access token, a new one where the old one is about to end; undefined where there is none. */
  async current(): Promise<string | undefined> {
    const { accessToken, expiresAt } = this.#tokens ?? {};
    if (accessToken && expiresAt !== undefined && expiresAt - Date.now() < AHEAD_MILLISECONDS) {
      // It may be good for a while yet: the call itself will tell.
      await this.renew(accessToken).catch(() => false);
    }
    return this.#tokens?.accessToken;
  }

  /** Puts another in place of a token that was refused; once, however many calls it was refused to. */
  async renew(refused: string): Promise<boolean> {
    if (this.#tokens?.accessToken !== refused) return this.#tokens !== undefined;
    const { refreshToken } = this.#tokens;
    if (!refreshToken) return false;
    this.#renewal ??= this.#buy(refreshToken).finally(() => (this.#renewal = undefined));
    return this.#renewal;
  }

  async #buy(refreshToken: string): Promise<boolean> {
    try {
      const answer = await this.#renew(refreshToken);
      // Another account may have logged in meanwhile.
      if (this.#tokens?.refreshToken === refreshToken) this.take(answer);
    } catch (error) {
      if (!(error instanceof PracticeError) || error.status !== 401) throw error;
      if (this.#tokens?.refreshToken === refreshToken) this.set(undefined);
    }
    return this.#tokens !== undefined;
  }
}

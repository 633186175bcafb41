/** Waiting that can be ended. */

// What timers of browsers and of Node can wait at most: 24 days.
const LONGEST = 2_147_483_647;

/** Ends what listens to its signal after a while, unless it is stopped before. */
export class Limit {
  readonly #controller = new AbortController();
  readonly #end: number;
  readonly #timer: ReturnType<typeof setTimeout> | undefined;

  /** `reason` makes what is thrown where it ends something. */
  constructor(milliseconds: number, reason: () => unknown) {
    this.#end = performance.now() + milliseconds;
    if (milliseconds <= LONGEST) {
      this.#timer = setTimeout(() => this.#controller.abort(reason()), Math.max(0, milliseconds));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Milliseconds that are left. */
  get left(): number {
    return this.#end - performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** Returns after a while. Throws the signal's reason as soon as it is aborted. */
export async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, Math.min(milliseconds, LONGEST));
  });
  try {
    await unlessAborted(over, signal);
  } finally {
    clearTimeout(timer);
  }
}

/** Returns what `promise` does. Throws the signal's reason as soon as it is aborted; the promise goes on. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    const end = (): void => reject(signal.reason);
    stop = () => signal.removeEventListener("abort", end);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stop();
  }
}

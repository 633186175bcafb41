/** Why a call did not succeed, in one shape for all products. */

/** A field of a request that breaks a rule. */
export interface FieldFault {
  field: string;
  message: string;
}

/** Reasons that the client gives by itself; every other is the platform's. */
export const DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED";
export const NO_ANSWER = "NO_ANSWER";

interface Refusal {
  reason: string;
  status?: number;
  requestId?: string;
  fields?: readonly FieldFault[];
  metadata?: Readonly<Record<string, string>>;
  retryAfter?: number | undefined;
  cause?: unknown;
}

/** A call that was refused, or got no answer. */
export class PracticeError extends Error {
  /** For programs, such as `SESSION_ENDED`; `DEADLINE_EXCEEDED` and `NO_ANSWER` where nothing was answered. */
  readonly reason: string;
  /** The HTTP status; 0 where nothing was answered. */
  readonly status: number;
  /** What the platform's logs call the request, if it arrived. */
  readonly requestId: string;
  /** The fields that break a rule, where that is the reason. */
  readonly fields: readonly FieldFault[];
  /** What a program needs to know of the reason, such as the name of a quota; `/v1` alone tells it. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Seconds after which the call may be sent again, where the platform says so. */
  readonly retryAfter: number | undefined;

  constructor(message: string, refusal: Refusal) {
    super(message, refusal.cause === undefined ? undefined : { cause: refusal.cause });
    this.name = "PracticeError";
    this.reason = refusal.reason;
    this.status = refusal.status ?? 0;
    this.requestId = refusal.requestId ?? "";
    this.fields = refusal.fields ?? [];
    this.metadata = refusal.metadata ?? {};
    this.retryAfter = refusal.retryAfter;
  }

  /** Returns the error that an answer tells of, in the shape of whichever product. */
  static of(response: Response, text: string): PracticeError {
    const body = parsed(text);
    const canonical = record(body.error);
    const details = list(canonical.details).map(record);
    const info = details.find((detail) => "reason" in detail) ?? {};
    const message = messageOf(body, canonical) || text || response.statusText || "refused";
    const reason = response.headers.get("x-practice-reason") ?? String(info.reason ?? `HTTP_${response.status}`);
    return new PracticeError(message, {
      reason,
      status: response.status,
      requestId: response.headers.get("x-request-id") ?? "",
      fields: fieldsIn(body, details, reason === "FIELD_INVALID" ? message : ""),
      metadata: record(info.metadata) as Record<string, string>,
      retryAfter: secondsIn(response.headers.get("retry-after")),
    });
  }
}

function parsed(text: string): Record<string, unknown> {
  try {
    return record(JSON.parse(text));
  } catch {
    return {};
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

/** `/v1` has it in `error`, focus and portal in `message`, exercises, yoga and design in `detail`. */
function messageOf(body: Record<string, unknown>, canonical: Record<string, unknown>): string {
  for (const told of [canonical.message, body.message, body.detail]) {
    if (typeof told === "string") return told;
  }
  return list(body.detail)
    .map((each) => String(record(each).msg))
    .join("; ");
}

function fieldsIn(body: Record<string, unknown>, details: Record<string, unknown>[], message: string): FieldFault[] {
  const violations = details.flatMap((detail) => list(detail.field_violations)).map(record);
  if (violations.length) {
    return violations.map(({ field, description }) => ({ field: String(field), message: String(description) }));
  }
  const located = list(body.detail).map(record);
  if (located.length) {
    // The first of a location is where it is: the body, the path or the query.
    return located.map(({ loc, msg }) => ({ field: list(loc).slice(1).join("."), message: String(msg) }));
  }
  return message.split("; ").flatMap((fault) => {
    const told = /^([A-Za-z_][\w.[\]]*): (.+)$/.exec(fault);
    return told ? [{ field: told[1] as string, message: told[2] as string }] : [];
  });
}

function secondsIn(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

/** Calls to the gateway, the same in a browser and in Node. */

/** The gateway said no: `status` and the JSON `body` say why. */
export class RefusedError extends Error {
  constructor(status, body) {
    super(`${status}: ${JSON.stringify(body)}`);
    this.status = status;
    this.body = body;
  }
}

/**
 * Returns the JSON of a call's answer, null for an empty one. Throws RefusedError, and TypeError when the
 * answer cannot be read: no network, or a browser that was not allowed to.
 */
export async function call({ baseUrl, token }, method, path, body, headers = {}) {
  const response = await fetch(baseUrl + path, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  const answer = text ? JSON.parse(text) : null;
  if (!response.ok) throw new RefusedError(response.status, answer);
  return answer;
}

/** Returns `{status, body}` of a call that is refused. */
export async function refusal(promise) {
  try {
    return { status: 200, body: await promise };
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    return { status: error.status, body: error.body };
  }
}

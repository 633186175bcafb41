/** The portal product as a web app uses it: answers over HTTP, progress over a WebSocket. */

import { call } from "./gateway.js";

const SESSIONS = "/portal/api/v1/sessions";

export function start(gateway, activityId, settings) {
  return call(gateway, "POST", `${SESSIONS}/start`, { activity_id: activityId, settings });
}

export function progress(gateway, sessionId, itemId, answer, seconds) {
  const body = { item_id: itemId, answer, time_taken: seconds };
  return call(gateway, "POST", `${SESSIONS}/${sessionId}/progress`, body);
}

export function complete(gateway, sessionId) {
  return call(gateway, "POST", `${SESSIONS}/${sessionId}/complete`, {});
}

export function cancel(gateway, sessionId) {
  return call(gateway, "POST", `${SESSIONS}/${sessionId}/cancel`, {});
}

/** Listens to a session. A browser cannot set headers here, so the token goes as a subprotocol. */
export class Live {
  /** Every event so far. */
  events = [];
  #socket;
  #wakeUps = new Set();

  constructor({ baseUrl, token }, sessionId) {
    const url = `${baseUrl.replace(/^http/, "ws")}/portal/ws/sessions/${sessionId}`;
    this.#socket = new WebSocket(url, ["bearer", token]);
    this.#socket.onmessage = ({ data }) => {
      this.events.push(JSON.parse(data));
      for (const wakeUp of this.#wakeUps) wakeUp();
    };
    /** How the socket was closed: `{code, opened, protocol}`. */
    this.closed = new Promise((resolve) => {
      let opened = false;
      this.#socket.onopen = () => (opened = true);
      this.#socket.onclose = ({ code }) => resolve({ code, opened, protocol: this.#socket.protocol });
    });
  }

  /** Waits for the first event, past or to come, that `fits`. */
  next(fits) {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.events.find(fits);
        if (!found) return;
        this.#wakeUps.delete(look);
        resolve(found);
      };
      this.#wakeUps.add(look);
      look();
    });
  }
}

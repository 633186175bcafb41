/** Ids that the device makes. */

let lastMoment = 0;
let count = 0;

/** Returns a UUIDv7: later ones are greater, also within a millisecond. */
export function uuid7(): string {
  const now = Math.max(Date.now(), lastMoment);
  count = now === lastMoment ? count + 1 : 0;
  // Twelve bits tell those of one millisecond apart; the next borrows from the millisecond to come.
  lastMoment = count > 0xfff ? now + 1 : now;
  count &= 0xfff;
  const random = crypto.getRandomValues(new Uint8Array(8));
  random[0] = ((random[0] as number) & 0x3f) | 0x80;
  const moment = lastMoment.toString(16).padStart(12, "0");
  const noise = Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const place = count.toString(16).padStart(3, "0");
  return `${moment.slice(0, 8)}-${moment.slice(8)}-7${place}-${noise.slice(0, 4)}-${noise.slice(4)}`;
}

/** Returns the id in the name of a resource: that of `sessions/12` is `12`. An id is its own. */
export function idOf(name: string): string {
  return name.replace(/^[A-Za-z]+\//, "");
}

/** Returns the IANA zone that the device is in. */
export function deviceZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

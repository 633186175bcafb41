/** The client of the practice platform, for browsers and Node. */

export { PracticeClient, type ClientOptions } from "./client.js";
export { DEADLINE_EXCEEDED, NO_ANSWER, PracticeError, type FieldFault } from "./errors.js";
export { deviceZone, uuid7 } from "./ids.js";
export { IndexedDbStore } from "./indexeddb.js";
export type { Live } from "./live.js";
export type { Answer, Call, CallOptions, Item, ListPath, Method, PagedPath, PathOf, Paths, Schemas } from "./paths.js";
export { OfflineQueue, type Entry, type NewAnswer, type NewSession, type QueueStore } from "./queue.js";
export type { Retries } from "./sending.js";
export type { Tokens } from "./tokens.js";

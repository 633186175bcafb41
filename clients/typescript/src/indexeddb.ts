/** Keeps a queue in the browser's IndexedDB. */

import type { Entry, QueueStore } from "./queue.js";

const ENTRIES = "entries";

export class IndexedDbStore implements QueueStore {
  readonly #database: Promise<IDBDatabase>;

  /** `name` tells the queues of several accounts apart. */
  constructor(name = "practice-queue") {
    const opening = indexedDB.open(name, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(ENTRIES, { keyPath: "id" });
    this.#database = done(opening);
    // Whoever uses it hears of it.
    this.#database.catch(() => undefined);
  }

  async put(entry: Entry): Promise<void> {
    await this.#change((entries) => entries.put(entry));
  }

  async delete(id: string): Promise<void> {
    await this.#change((entries) => entries.delete(id));
  }

  async all(): Promise<Entry[]> {
    const entries = (await this.#database).transaction(ENTRIES).objectStore(ENTRIES);
    return done(entries.getAll() as IDBRequest<Entry[]>);
  }

  /** Returns when the change is on the disk, and not only in the browser's memory. */
  async #change(change: (entries: IDBObjectStore) => unknown): Promise<void> {
    const transaction = (await this.#database).transaction(ENTRIES, "readwrite", { durability: "strict" });
    change(transaction.objectStore(ENTRIES));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

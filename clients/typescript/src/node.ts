/** What only Node has: `import { FileStore } from "practice-client/node"`. */

import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import type { Entry, QueueStore } from "./queue.js";

const SUFFIX = ".json";

/** Keeps a queue in a folder, a file for each entry: processes that share it take nothing from each other. */
export class FileStore implements QueueStore {
  readonly #folder: string;

  /** A folder for each account; it is made when it is not there. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async put(entry: Entry): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const path = this.#path(entry.id);
    // Half a file has another name, whenever the process is killed.
    const unfinished = `${path}.${process.pid}`;
    const file = await open(unfinished, "w");
    try {
      await file.writeFile(JSON.stringify(entry));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  }

  async delete(id: string): Promise<void> {
    await rm(this.#path(id), { force: true });
  }

  async all(): Promise<Entry[]> {
    const names = (await readdir(this.#folder).catch(orNothing)) ?? [];
    const texts = names
      .filter((name) => name.endsWith(SUFFIX))
      // Another process may have handed it in meanwhile.
      .map((name) => readFile(join(this.#folder, name), "utf8").catch(orNothing));
    return (await Promise.all(texts)).filter((text) => text !== undefined).map((text) => JSON.parse(text) as Entry);
  }

  #path(id: string): string {
    return join(this.#folder, `${encodeURIComponent(id)}${SUFFIX}`);
  }
}

function orNothing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

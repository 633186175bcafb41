/** Adds sessions to the queue in a folder until it is killed, and says each id once it is safe. */

import { OfflineQueue, PracticeClient } from "../dist/index.js";
import { FileStore } from "../dist/node.js";

const [folder, session] = process.argv.slice(2);
const queue = new OfflineQueue(new PracticeClient("http://127.0.0.1:9"), new FileStore(folder));
for (;;) console.log(await queue.addSession(JSON.parse(session)));

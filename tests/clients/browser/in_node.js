/** Plays scenarios in Node: `[{scenario, given}, ...]` on stdin, `{results}` on stdout. */

import { json } from "node:stream/consumers";

import * as scenarios from "./scenarios.js";

const kept = new Map();
const storage = {
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => kept.set(name, value),
  removeItem: (name) => kept.delete(name),
};

const results = [];
for (const { scenario, given } of await json(process.stdin)) {
  results.push(await scenarios[scenario](given, storage));
}
console.log(JSON.stringify({ results }));

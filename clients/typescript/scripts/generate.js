/**
 * Makes src/generated from the descriptions of the REST APIs: `node generate.js FOLDER`.
 *
 * The types of every path, and three small tables that no type can hold at run time: which reads wait for what was
 * written (`min_user_seq`), which answers are one page of several, and how the next page is asked for.
 */

import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import openapiTS, { astToString } from "openapi-typescript";

const APIS = ["canonical", "exercises", "portal", "yoga", "focus", "design"];
// How lists are read on: by a token of the last page, by a count of what was seen, or by the last number seen.
const WAYS = ["page_token", "offset", "skip", "before"];

const source = pathToFileURL(`${process.argv[2]}/`);
const target = new URL("../src/generated/", import.meta.url);

function parametersOf(description, operation) {
  return (operation.parameters ?? []).map((each) =>
    each.$ref ? description.components.parameters[each.$ref.split("/").at(-1)] : each,
  );
}

function schemaOf(description, schema) {
  return schema?.$ref ? description.components.schemas[schema.$ref.split("/").at(-1)] : (schema ?? {});
}

/** Returns the name of the one list in an answer, "" where the answer is a list, null where there are several. */
function listIn(description, operation) {
  const success = Object.entries(operation.responses).find(([status]) => status.startsWith("2"))[1];
  const answer = schemaOf(description, success.content?.["application/json"]?.schema);
  if (answer.type === "array") return "";
  const lists = Object.entries(answer.properties ?? {}).filter(
    ([, schema]) => schemaOf(description, schema).type === "array",
  );
  return lists.length === 1 ? lists[0][0] : null;
}

const reads = [];
const pages = {};
await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
for (const api of APIS) {
  const file = new URL(`${api}.json`, source);
  const description = JSON.parse(await readFile(file, "utf8"));
  for (const [path, { get }] of Object.entries(description.paths)) {
    const names = get ? parametersOf(description, get).map(({ name }) => name) : [];
    if (names.includes("min_user_seq")) reads.push(path);
    const by = WAYS.find((way) => names.includes(way));
    if (by) pages[path] = { by, list: listIn(description, get) };
  }
  await writeFile(new URL(`${api}.ts`, target), astToString(await openapiTS(file)));
}
const tables = [
  "/** Reads that take `min_user_seq`. */",
  `export const READS: ReadonlySet<string> = new Set(${JSON.stringify(reads, null, 2)});`,
  "",
  "/** Reads in pages: the parameter that asks for the next one, and the field that lists. */",
  `export const PAGES = ${JSON.stringify(pages, null, 2)} as const;`,
  "",
];
await writeFile(new URL("tables.ts", target), tables.join("\n"));

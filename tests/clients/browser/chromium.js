/** Where Chromium is: `node chromium.js` unpacks it beside the packages, and importing this finds it there. */

import { spawnSync } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const unpacked = fileURLToPath(new URL("./node_modules/.chromium/", import.meta.url));
const executablePath = `${unpacked}chromium`;
// For machines without NSS, on which Chromium does not start by itself.
const libraries = `${unpacked}al2023/lib`;

/** Returns how to launch it on this machine. Throws Error when it does not run. */
export function launchOptions() {
  const withLibraries = { ...process.env, LD_LIBRARY_PATH: libraries };
  for (const env of [process.env, withLibraries]) {
    const { status } = spawnSync(executablePath, ["--version"], { env });
    // Not the package's own arguments: they switch off what protects one origin from another.
    if (status === 0) return { executablePath, env, args: ["--no-sandbox"] };
  }
  throw new Error(`${executablePath} does not run on this machine`);
}

async function unpack() {
  await rm(unpacked, { recursive: true, force: true });
  await mkdir(unpacked, { recursive: true });
  // Where the package unpacks to; by default a directory that everybody on the machine shares.
  process.env.TMPDIR = unpacked;
  const { default: chromium, inflate } = await import("@sparticuz/chromium");
  await chromium.executablePath();
  await inflate(fileURLToPath(new URL("../bin/al2023.tar.br", import.meta.resolve("@sparticuz/chromium"))));
  launchOptions();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await unpack();

/** @file Reads the files of the export, over HTTP or from disk, and checks them against the digests of `model.json`. */
import { PackageError } from "./errors.js";

/** The parsed `model.json` of the export at `base`. */
export async function readModel(base) {
  const url = new URL("model.json", base);
  return JSON.parse(new TextDecoder().decode(await content(url, url)));
}

/** A reader of the other files: `read(path)` gives the bytes. */
export function readerOf(model, base) {
  const entries = new Map(model.files.map((entry) => [entry.path, entry]));
  return async (path) => {
    const { sha256 } = entries.get(path);
    const plain = new URL(path, base);
    const addressed = new URL(plain);
    // The service worker keeps a file for good under the address that names its content.
    addressed.searchParams.set("sha256", sha256);
    const bytes = await content(plain, addressed);
    await verify(path, bytes, sha256);
    return bytes;
  };
}

async function content(plain, addressed) {
  if (plain.protocol === "file:") {
    const { readFile } = await import(/* @vite-ignore */ "node:fs/promises");
    return readFile(plain);
  }
  const response = await fetch(addressed, { credentials: "same-origin" });
  if (!response.ok) throw new PackageError(`${plain.href} cannot be read: status ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

async function verify(path, bytes, expected) {
  // Browsers hash only in secure contexts, which HTTPS and localhost are.
  if (!globalThis.crypto?.subtle) return;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (found !== expected) {
    throw new PackageError(`${path} is not the file that model.json lists: its SHA-256 is ${found}, not ${expected}`);
  }
}

// Prints the token ids, by the export in the folder named first, of each text of the JSON file named second.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2);
const base = pathToFileURL(`${folder}/`);
const { makeEncoder } = await import(new URL("tasks.js", base));
const about = JSON.parse(await readFile(new URL("model.json", base), "utf8"));
const encode = await makeEncoder(about, (path) => readFile(new URL(path, base)));
const [{ name }] = about.inputs;
const ids = (text) => Array.from(encode([{ [name]: text }]).input_ids.data, Number);
console.log(JSON.stringify(JSON.parse(await readFile(file, "utf8")).map(ids)));

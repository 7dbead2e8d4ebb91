// Enters each text of the JSON file named second into the first input of the export in the folder named first.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2);
const at = (name) => new URL(name, pathToFileURL(`${folder}/`));
const { load } = await import(at("slipway.js"));
const { entered } = await import(at("fields.js"));
const [model, { inputs }] = [await load(), JSON.parse(await readFile(at("model.json"), "utf8"))];
const found = [];
for (const text of JSON.parse(await readFile(file, "utf8"))) {
  try {
    found.push({ answers: await model.predict([{ [inputs[0].name]: entered(inputs[0], text) }]) });
  } catch (error) {
    found.push({ error: error.name, message: error.message, problems: error.problems });
  }
}
console.log(JSON.stringify(found));

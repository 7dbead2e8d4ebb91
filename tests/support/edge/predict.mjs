// Loads the export in the folder named first, and answers the batches of the JSON file named second.
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, file] = process.argv.slice(2);
const { load } = await import(new URL("slipway.js", pathToFileURL(`${folder}/`)));
const model = await load();
const found = [];
for (const batch of JSON.parse(await readFile(file, "utf8"))) {
  try {
    found.push({ answers: await model.predict(batch) });
  } catch (error) {
    found.push({ error: error.name, message: error.message, problems: error.problems });
  }
}
console.log(JSON.stringify(found));

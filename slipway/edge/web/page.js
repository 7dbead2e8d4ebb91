/** @file The page of an exported model: it proves the golden records by itself, and lets one try the model. */
import { element, RecordForm } from "./fields.js";
import { InputError, load } from "./slipway.js";

const proof = document.getElementById("proof");

try {
  const model = await load();
  describe(model.about);
  state("running", "Answering the golden records.");
  const { records, largest, tolerance } = await model.prove();
  state(
    "proved",
    `Proved in this browser: all ${records} golden records are answered as expected. ` +
      `The largest difference is ${largest.toPrecision(2)}, and ${tolerance} is allowed.`,
  );
  await offerToTry(model);
  await keepForOffline(model.about);
} catch (error) {
  state("failed", `Not proved. ${error.name}: ${error.message}`);
}

function state(name, text) {
  proof.dataset.state = name;
  proof.textContent = text;
}

function describe(about) {
  const title = `${about.name} ${about.version}`;
  document.title = title;
  document.getElementById("name").textContent = title;
  document.getElementById("description").textContent = about.description;
  const bytes = about.files.reduce((sum, file) => sum + file.bytes, 0);
  const rows = [
    ["Task", about.task],
    ["Size", `${(bytes / 1e6).toFixed(1)} MB with the runtime`],
    ["Runtime", Object.entries(about.runtime).map(([name, version]) => `${name} ${version}`).join(", ")],
    ...about.quality.map(({ metric, value, data }) => [metric, `${Number(value.toPrecision(4))} on ${data}`]),
    ["Digest", about.digest],
  ];
  const terms = rows.flatMap(([term, text]) => [element("dt", {}, term), element("dd", {}, text)]);
  document.getElementById("about").append(...terms);
}

async function offerToTry(model) {
  const form = document.getElementById("try");
  const fields = new RecordForm(document.getElementById("fields"), model.about.inputs);
  const { records } = await model.golden();
  let next = Math.floor(records.length / 2);
  document.getElementById("example").addEventListener("click", () => {
    fields.fill(records[next++ % records.length].record);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void answer(model, fields);
  });
  form.hidden = false;
}

async function answer(model, fields) {
  const place = document.getElementById("answer");
  try {
    const started = performance.now();
    const [found] = await model.predict([fields.record()]);
    const took = performance.now() - started;
    fields.show([]);
    place.replaceChildren(answerTable(found, model.about.outputs), element("p", {}, `${took.toFixed(1)} ms`));
  } catch (error) {
    const others = error instanceof InputError ? fields.show(error.problems) : [`${error.name}: ${error.message}`];
    place.replaceChildren(...others.map((text) => element("p", { className: "problem" }, text)));
  }
}

function answerTable(found, outputs) {
  const units = Object.fromEntries((outputs.targets ?? []).map(({ name, unit }) => [name, unit]));
  const said = found.label ?? (found.labels ? found.labels.join(", ") || "no label" : null);
  const rows = found.scores
    ? Object.entries(found.scores).sort(([, one], [, other]) => other - one)
    : Object.entries(found.values ?? { value: found.value }).map(([name, value]) => [
        name,
        `${value} ${units[name] ?? outputs.unit ?? ""}`.trimEnd(),
      ]);
  const table = element("table", {}, ...rows.map(row));
  if (said !== null) table.prepend(element("caption", { id: "label" }, said));
  return table;
}

function row([name, value]) {
  return element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, String(value)));
}

async function keepForOffline(about) {
  if (!("serviceWorker" in navigator)) return;
  const place = document.getElementById("offline");
  try {
    // Another export is another address, so its files are fetched anew.
    const registration = await navigator.serviceWorker.register(`./worker.js?export=${about.digest}`);
    place.textContent = "Keeping a copy for use without a network.";
    await activated(registration);
    place.textContent = "This page works without a network from now on.";
    place.dataset.state = "ready";
  } catch (error) {
    place.textContent = `No copy is kept for use without a network: ${error.message}`;
  }
}

function activated(registration) {
  const worker = registration.installing ?? registration.waiting ?? registration.active;
  return new Promise((resolve, reject) => {
    const look = () => {
      if (worker.state === "activated") resolve();
      if (worker.state === "redundant") reject(new Error("the files could not be read"));
    };
    worker.addEventListener("statechange", look);
    look();
  });
}

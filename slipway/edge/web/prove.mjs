/**
 * @file Proves the export in Node: `node prove.mjs` prints the proof as JSON, or the difference, and exits with 1.
 *
 * `median_ms` is the time of one golden record alone, validation and tokenization included.
 */
import { load } from "./slipway.js";

const TIMED_MS = 300;

try {
  const started = performance.now();
  const model = await load();
  const loaded = performance.now() - started;
  const proof = await model.prove();
  console.log(JSON.stringify({ ...proof, load_ms: loaded, median_ms: await medianMs(model), memory_mb: memoryMb() }));
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
}

async function medianMs(model) {
  const { records } = await model.golden();
  const times = [];
  const end = performance.now() + TIMED_MS;
  while (times.length < records.length || performance.now() < end) {
    const { record } = records[times.length % records.length];
    const started = performance.now();
    await model.predict([record]);
    times.push(performance.now() - started);
  }
  return times.sort((one, other) => one - other)[Math.floor(times.length / 2)];
}

function memoryMb() {
  return process.memoryUsage().rss / 1e6;
}

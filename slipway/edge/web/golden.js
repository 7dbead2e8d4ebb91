/** @file Compares answers with those of the golden records, as `slipway.models.measurements.golden` does in Python. */
import { GoldenError } from "./errors.js";

/** Have `predict`, which takes a batch of records, answer them: the figures, or a GoldenError that names the worst. */
export async function proveGolden(golden, predict) {
  const found = [];
  for (let start = 0; start < golden.records.length; start += golden.batch) {
    const batch = golden.records.slice(start, start + golden.batch).map(({ record }) => record);
    found.push(...(await predict(batch)));
  }
  const apart = distances(golden.records.map(({ expected }) => expected), found);
  const largest = Math.max(...apart);
  const proof = { records: apart.length, largest, tolerance: golden.tolerance };
  if (!(largest <= golden.tolerance)) throw failed(golden, found, apart, proof);
  return proof;
}

function failed(golden, found, apart, proof) {
  const worst = apart.indexOf(proof.largest);
  const wrong = apart.filter((distance) => !(distance <= golden.tolerance)).length;
  const message =
    `record ${worst + 1} of ${apart.length} differs by ${proof.largest.toPrecision(3)}, and ${golden.tolerance} is ` +
    `allowed (${wrong} differ): expected ${JSON.stringify(golden.records[worst].expected)}, ` +
    `found ${JSON.stringify(found[worst])}`;
  return new GoldenError(message, proof);
}

/** How far each answer is from the expected one: absolute for scores, relative to the largest value of a target. */
export function distances(expected, found) {
  const scales = {};
  for (const answer of expected) {
    for (const [name, value] of Object.entries(valuesOf(answer) ?? {})) {
      scales[name] = Math.max(scales[name] ?? 0, Math.abs(value));
    }
  }
  return expected.map((answer, at) => distance(answer, found[at], scales));
}

function distance(expected, found, scales) {
  const values = valuesOf(expected);
  if (values) return largest(values, valuesOf(found), (name) => scales[name] || 1);
  return largest(expected.scores, found.scores, () => 1);
}

function largest(numbers, others, scale) {
  const apart = Object.entries(numbers).map(([name, value]) => Math.abs(value - others?.[name]) / scale(name));
  return apart.some(Number.isNaN) ? Infinity : Math.max(...apart);
}

function valuesOf(answer) {
  return answer.value === undefined ? answer.values : { "": answer.value };
}

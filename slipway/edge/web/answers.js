/** @file Turns the graph's numbers into answers, as `slipway.models.prediction.answers` does in Python. */
import { PredictionError } from "./errors.js";

const SCALE = 1e6;
const SUM_TOLERANCE = 0.01;
const DEFAULT_THRESHOLD = 0.5;

/** One answer for each of `count` records; `numbers` is the graph's output of floats, as `{type, data}`. */
export function answersOf(outputs, numbers, count) {
  const width = numbers.data.length / count;
  const expected = (outputs.labels ?? outputs.targets ?? [null]).length;
  if (width !== expected) throw new PredictionError(`the graph returned ${width} numbers a record, not ${expected}`);
  const isSingle = numbers.type === "float32";
  return Array.from({ length: count }, (_, at) => {
    const row = Array.from(numbers.data.slice(at * width, (at + 1) * width), Number);
    return outputs.labels ? classified(outputs, row, isSingle) : regressed(outputs, row, isSingle);
  });
}

function classified(outputs, row, isSingle) {
  const names = outputs.labels;
  const scores = Object.fromEntries(names.map((name, at) => [name, rounded(row[at], isSingle)]));
  if (outputs.multi_label) {
    if (!row.every((value) => value > -SUM_TOLERANCE && value < 1 + SUM_TOLERANCE)) throw improbable(row);
    const labels = names.filter((name) => scores[name] > (outputs.thresholds[name] ?? DEFAULT_THRESHOLD));
    return { labels, scores };
  }
  const sum = row.reduce((total, value) => total + value, 0);
  // NaN must fail this comparison.
  if (!(Math.abs(sum - 1) < SUM_TOLERANCE && Math.min(...row) > -SUM_TOLERANCE)) throw improbable(row);
  const best = row.indexOf(Math.max(...row));
  return { label: names[best], score: scores[names[best]], scores };
}

function regressed(outputs, row, isSingle) {
  if (!row.every(Number.isFinite)) throw new PredictionError("the graph returned a value that is not a finite number");
  const values = row.map((value) => (isSingle ? shortestDecimal(value) : value));
  if (!outputs.targets) return { value: values[0] };
  return { values: Object.fromEntries(outputs.targets.map(({ name }, at) => [name, values[at]])) };
}

function improbable(row) {
  return new PredictionError(`the graph returned ${JSON.stringify(row)}, which are not probabilities`);
}

/** Six decimals, ties to even, as Python rounds; the product is exact for a float32. */
function rounded(value, isSingle) {
  if (!isSingle) return Number(value.toFixed(6));
  const product = value * SCALE;
  const below = Math.floor(product);
  const isUp = product - below > 0.5 || (product - below === 0.5 && below % 2 !== 0);
  return (isUp ? below + 1 : below) / SCALE;
}

/** The shortest decimal that is the same float32. */
function shortestDecimal(value) {
  for (let digits = 1; digits < 9; digits += 1) {
    const decimal = Number(value.toPrecision(digits));
    if (Math.fround(decimal) === value) return decimal;
  }
  return Number(value.toPrecision(9));
}

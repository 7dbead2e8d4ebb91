/** @file Validates records by the model's inputs, with the rules and the words of Slipway's API. */
import { InputError } from "./errors.js";

const FLOAT32_MAX = 3.4028234663852886e38;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
const SHOWN_CHARACTERS = 60;
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Complete records: every input of the model, with defaults filled in and missing values as null.
 * Throws an InputError that names every wrong field.
 */
export function completeRecords(inputs, records) {
  if (!Array.isArray(records)) throw new InputError([{ field: "(records)", message: "must be a list of records" }]);
  const problems = [];
  const whole = records.map((record, number) => complete(inputs, record, `[${number}]`, problems));
  if (problems.length > 0) throw new InputError(problems);
  return whole;
}

function complete(inputs, record, prefix, problems) {
  if (record === null || typeof record !== "object" || Array.isArray(record)) {
    problems.push({ field: prefix, message: `must be an object${shown(record)}` });
    return undefined;
  }
  const whole = {};
  for (const input of inputs) {
    const given = Object.hasOwn(record, input.name) ? record[input.name] : undefined;
    const message = given === undefined ? absent(input) : problemOf(input, given);
    if (message) problems.push({ field: `${prefix}.${input.name}`, message });
    whole[input.name] = given === undefined ? (input.default ?? null) : isMissing(input, given) ? null : given;
  }
  const known = new Set(inputs.map((input) => input.name));
  for (const name of Object.keys(record).filter((each) => !known.has(each))) {
    problems.push({ field: `${prefix}.${name}`, message: "is not a known field" });
  }
  return whole;
}

function absent(input) {
  return input.nullable || (input.default ?? null) !== null ? null : "is required";
}

function isMissing(input, value) {
  return input.nullable && (value === null || (typeof value === "number" && Number.isNaN(value)));
}

function problemOf(input, value) {
  if (isMissing(input, value)) return null;
  return CHECKS[input.type](input, value) ?? notAllowed(input, value);
}

const CHECKS = {
  string(input, value) {
    if (typeof value !== "string") return `must be a string${shown(value)}`;
    if (LONE_SURROGATE.test(value)) return "must be valid Unicode";
    const most = input.max_characters ?? Infinity;
    // A character is a code point, as in Python.
    return value.length > most && [...value].length > most ? `must have at most ${most} characters` : null;
  },
  boolean(_input, value) {
    return typeof value === "boolean" ? null : `must be true or false${shown(value)}`;
  },
  integer(input, value) {
    if (typeof value !== "bigint" && !Number.isInteger(value)) return `must be an integer${shown(value)}`;
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      return `must be a BigInt, since a number beyond 53 bits is not exact${shown(value)}`;
    }
    if (BigInt(value) < INT64_MIN || BigInt(value) > INT64_MAX) return "must be an integer of at most 64 bits";
    const low = input.min === null ? null : Math.ceil(input.min);
    return outside(value, low, input.max === null ? null : Math.floor(input.max));
  },
  float(input, value) {
    if (typeof value !== "number") return `must be a number${shown(value)}`;
    if (!Number.isFinite(value)) return "must be a finite number";
    return outside(value, Math.max(input.min ?? -Infinity, -FLOAT32_MAX), Math.min(input.max ?? Infinity, FLOAT32_MAX));
  },
};

function outside(value, low, high) {
  if (low !== null && value < low) return `must be at least ${limit(low)}${shown(value)}`;
  if (high !== null && value > high) return `must be at most ${limit(high)}${shown(value)}`;
  return null;
}

function notAllowed(input, value) {
  if (input.allowed === null || input.allowed.includes(value)) return null;
  return `must be one of ${input.allowed.map(quoted).join(", ")}${shown(value)}`;
}

function limit(value) {
  return String(Number(value.toPrecision(8)));
}

function quoted(value) {
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "string") return String(value);
  return value.includes("'") && !value.includes('"') ? `"${value}"` : `'${value.replaceAll("'", "\\'")}'`;
}

function shown(value) {
  if (value === undefined || typeof value === "object" && value !== null || typeof value === "function") return "";
  const text = typeof value === "bigint" ? String(value) : JSON.stringify(value);
  const letters = [...text];
  return ` (got ${letters.length <= SHOWN_CHARACTERS ? text : `${letters.slice(0, SHOWN_CHARACTERS).join("")}…`})`;
}

/** @file The form of a record: one control for each input, and the record of what was entered. */

const NUMBERS = new Set(["integer", "float"]);
const INTEGER = /^\s*[+-]?\d+\s*$/;

/** A new element; strings become text, never markup. */
export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** The controls of a form, to read and to fill. */
export class RecordForm {
  #controls = new Map();
  #inputs;

  constructor(container, inputs) {
    this.#inputs = inputs;
    inputs.forEach((input, at) => container.append(this.#field(input, `field-${at}`)));
  }

  /** The record as entered. An empty control is left out, but for a text that may not be missing. */
  record() {
    const entries = this.#inputs.map((input) => [input.name, entered(input, this.#controls.get(input.name).value)]);
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
  }

  /** Fill in a record. */
  fill(record) {
    for (const [name, control] of this.#controls) control.value = record[name] ?? "";
    this.show([]);
  }

  /** Show problems beside their fields; returns those that belong to no field. */
  show(problems) {
    const messages = new Map(problems.map(({ field, message }) => [field.replace(/^\[0\]\.?/, ""), message]));
    for (const [name, control] of this.#controls) {
      const message = messages.get(name);
      control.setAttribute("aria-invalid", String(message !== undefined));
      document.getElementById(`${control.id}-problem`).textContent = message ?? "";
      messages.delete(name);
    }
    this.#inputs.map(({ name }) => this.#controls.get(name)).find((each) => each.ariaInvalid === "true")?.focus();
    return [...messages].map(([field, message]) => `${field} ${message}`);
  }

  #field(input, id) {
    const control = controlOf(input);
    control.id = id;
    control.setAttribute("aria-describedby", `${id}-about ${id}-problem`);
    this.#controls.set(input.name, control);
    return element(
      "div",
      { className: "field" },
      element("label", { htmlFor: id }, input.name),
      control,
      element("small", { id: `${id}-about` }, describe(input)),
      element("small", { id: `${id}-problem`, className: "problem" }),
    );
  }
}

function controlOf(input) {
  const choices = input.type === "boolean" ? [true, false] : input.allowed;
  if (choices) {
    const options = ["", ...choices].map((choice) => element("option", { value: String(choice) }, String(choice)));
    return element("select", {}, ...options);
  }
  if (input.type === "string") return element("textarea", { rows: input.max_characters > 100 ? 3 : 1 });
  return element("input", { type: "text", inputMode: "decimal", autocomplete: "off" });
}

function describe(input) {
  const parts = [input.description, input.type];
  if (input.min !== null || input.max !== null) parts.push(`${input.min ?? "…"} to ${input.max ?? "…"}`);
  if (input.max_characters !== null) parts.push(`at most ${input.max_characters} characters`);
  if (input.default !== null) parts.push(`default ${input.default}`);
  if (input.nullable) parts.push("may be missing");
  return parts.filter(Boolean).join(", ");
}

/** The value that a text in a control stands for; undefined if it is left out. */
export function entered(input, text) {
  if (input.type === "string" && input.allowed === null) {
    return text === "" && (input.nullable || input.default !== null) ? undefined : text;
  }
  if (text.trim() === "") return undefined;
  if (input.type === "boolean") return text === "true";
  if (!NUMBERS.has(input.type)) return text;
  const number = Number(text);
  // What is no such number goes on as it is, so that the schema names the field.
  if (input.type === "float") return Number.isNaN(number) ? text : number;
  // As in JSON read by Python, 1e3 and 5.0 are no integers.
  if (!INTEGER.test(text)) return text;
  return Number.isSafeInteger(number) ? number : BigInt(text);
}

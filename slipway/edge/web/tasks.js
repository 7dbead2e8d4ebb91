/** @file Turns complete records into the tensors of the graph, as `slipway.models.prediction.tasks` does in Python. */

const ARRAYS = {
  float32: (values) => Float32Array.from(values, Number),
  float64: (values) => Float64Array.from(values, Number),
  int8: (values) => Int8Array.from(values, Number),
  uint8: (values) => Uint8Array.from(values, Number),
  int32: (values) => Int32Array.from(values, Number),
  int64: (values) => BigInt64Array.from(values, BigInt),
  bool: (values) => Uint8Array.from(values, Number),
  string: (values) => values,
};

/** The task's encoder: records to `{name: {type, data, dims}}`; `read` gives the bytes of a file. */
export async function makeEncoder(model, read) {
  if (model.task !== "text-classification") return tableEncoder(model);
  const { Tokenizer } = await import("./vendor/tokenizers.min.mjs");
  const document = JSON.parse(new TextDecoder().decode(await read(model.tokenizer)));
  // Models of whole words know their unknown word only by this.
  const tokenizer = new Tokenizer(document, { unk_token: document.model.unk_token });
  return textEncoder(model, truncating(tokenizer, document.truncation), document.padding ?? {});
}

function tableEncoder({ inputs, graph }) {
  if (graph.inputs.length === 1) {
    const [matrix] = graph.inputs;
    return (records) => {
      const values = records.flatMap((record) => inputs.map((input) => present(input, record[input.name])));
      return { [matrix.name]: tensor(matrix, values, [records.length, inputs.length]) };
    };
  }
  return (records) =>
    Object.fromEntries(
      inputs.map((input, at) => {
        const values = records.map((record) => present(input, record[input.name]));
        return [graph.inputs[at].name, tensor(graph.inputs[at], values, [records.length, 1])];
      }),
    );
}

function present(input, value) {
  if (value !== null) return value;
  return input.type === "string" ? "" : NaN;
}

function tensor({ type }, values, dims) {
  return { type, data: ARRAYS[type](values), dims };
}

function textEncoder({ inputs, graph }, tokenizer, padding) {
  const [{ name: field }] = inputs;
  const fills = { input_ids: padding.pad_id ?? 0, attention_mask: 0, token_type_ids: padding.pad_type_id ?? 0 };
  return (records) => {
    const rows = records.map((record) => tokensOf(tokenizer, record[field]));
    // A graph may not accept length zero, so empty texts become one token of padding.
    const longest = Math.max(1, ...rows.map((row) => row.input_ids.length));
    return Object.fromEntries(
      graph.inputs.map((spec) => {
        const values = rows.flatMap((row) => padded(row[spec.name], longest, fills[spec.name], padding.direction));
        return [spec.name, tensor(spec, values, [rows.length, longest])];
      }),
    );
  };
}

function tokensOf(tokenizer, text) {
  const encoding = tokenizer.encode(text, { return_token_type_ids: true });
  const types = encoding.token_type_ids ?? new Array(encoding.ids.length).fill(0);
  return { input_ids: encoding.ids, attention_mask: encoding.attention_mask, token_type_ids: types };
}

function padded(values, length, fill, direction) {
  const padding = new Array(length - values.length).fill(fill);
  return direction === "Left" ? [...padding, ...values] : [...values, ...padding];
}

/** The npm package reads no truncation: cut the tokens before the special ones are put around them. */
function truncating(tokenizer, truncation) {
  if (!truncation) return tokenizer;
  const frame = tokenizer.post_processor;
  const around = (tokens, pair, special) => (frame ? frame(tokens, pair, special) : { tokens });
  const room = Math.max(0, truncation.max_length - around([], null, true).tokens.length);
  const first = (tokens) => (truncation.direction === "Left" ? Math.max(0, tokens.length - room) : 0);
  const cut = (tokens) => tokens.slice(first(tokens), first(tokens) + room);
  tokenizer.post_processor = (tokens, pair, special) => around(cut(tokens), pair, special);
  return tokenizer;
}

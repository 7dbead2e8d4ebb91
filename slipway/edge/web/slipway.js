/**
 * @file One version of a model, exported by `slipway model export`: load it, prove it, predict with it.
 *
 * It runs in a page, in a worker and in Node, with ONNX Runtime's WebAssembly on one thread. It reads the files beside
 * this module, and sends nothing anywhere.
 */
import { InferenceSession, Tensor, env } from "./vendor/ort.wasm.bundle.min.mjs";
import { answersOf } from "./answers.js";
import { PredictionError } from "./errors.js";
import { proveGolden } from "./golden.js";
import { readModel, readerOf } from "./reading.js";
import { completeRecords } from "./records.js";
import { makeEncoder } from "./tasks.js";

export { GoldenError, InputError, PackageError, PredictionError } from "./errors.js";

const WASM = "vendor/ort-wasm-simd-threaded.wasm";

/** Load the model; `base` is the folder of the export, by default this module's. */
export async function load(base = new URL("./", import.meta.url)) {
  const about = await readModel(base);
  const read = readerOf(about, base);
  env.logLevel = "error";
  env.wasm.numThreads = 1;
  env.wasm.proxy = false;
  env.wasm.wasmBinary ??= await read(WASM);
  const [graph, encode] = await Promise.all([read(about.graph.file), makeEncoder(about, read)]);
  const session = await InferenceSession.create(graph, { executionProviders: ["wasm"], enableMemPattern: false });
  return new Model(about, read, session, encode);
}

/** A loaded model. `load` makes it. */
class Model {
  #encode;
  #read;
  #session;

  constructor(about, read, session, encode) {
    this.about = about;
    this.#read = read;
    this.#session = session;
    this.#encode = encode;
  }

  /** Predict all records as one batch: one answer for each, in order. */
  async predict(records) {
    const whole = completeRecords(this.about.inputs, records);
    return whole.length === 0 ? [] : this.#answers(whole);
  }

  /** Answer the golden records, and compare. */
  async prove() {
    const golden = await this.golden();
    return proveGolden(golden, (batch) => this.predict(batch));
  }

  /** The golden records, each with the expected answer. */
  async golden() {
    return JSON.parse(new TextDecoder().decode(await this.#read(this.about.golden)));
  }

  /** Free the memory of the graph; the model cannot predict any more. */
  async release() {
    await this.#session.release();
  }

  async #answers(records) {
    const { answers: name } = this.about.graph;
    try {
      const found = await this.#session.run(tensors(this.#encode(records)), [name]);
      return answersOf(this.about.outputs, found[name], records.length);
    } catch (error) {
      if (error instanceof PredictionError) throw error;
      const reason = error?.message ?? error;
      throw new PredictionError(`${this.about.name} ${this.about.version}: ${reason}`, { cause: error });
    }
  }
}

function tensors(encoded) {
  return Object.fromEntries(
    Object.entries(encoded).map(([name, { type, data, dims }]) => [name, new Tensor(type, data, dims)]),
  );
}

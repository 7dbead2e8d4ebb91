/** One version of a model, exported by `slipway model export`. */

/** The value of one input. An integer beyond 53 bits is a `bigint`; null and NaN are missing values. */
export type Scalar = string | number | bigint | boolean | null;

/** A value for every input, by name. One with a default, or that is nullable, may be left out. */
export type ModelRecord = Readonly<{ [name: string]: Scalar | undefined }>;

/** The answer of a classifier: its label, the label's probability, and the probability of each label. */
export interface LabelAnswer {
  label: string;
  score: number;
  scores: { [label: string]: number };
}

/** The answer of a multi-label classifier: each label over its threshold, and the probability of each. */
export interface LabelsAnswer {
  labels: string[];
  scores: { [label: string]: number };
}

/** The answer of a regression. */
export interface ValueAnswer {
  value: number;
}

/** The answer of a regression with several targets. */
export interface ValuesAnswer {
  values: { [target: string]: number };
}

export type Answer = LabelAnswer | LabelsAnswer | ValueAnswer | ValuesAnswer;

/** An input of the model, as its manifest states it. */
export interface InputField {
  name: string;
  type: "string" | "integer" | "float" | "boolean";
  description: string;
  min: number | null;
  max: number | null;
  allowed: Scalar[] | null;
  max_characters: number | null;
  default: Scalar;
  nullable: boolean;
}

/** The parts of `model.json` that an application may want. */
export interface About {
  name: string;
  version: number;
  task: "text-classification" | "tabular-classification" | "tabular-regression";
  description: string;
  inputs: InputField[];
  outputs: {
    labels: string[] | null;
    multi_label: boolean;
    thresholds: { [label: string]: number };
    unit: string | null;
    targets: { name: string; unit: string | null }[] | null;
  };
  quality: { metric: string; value: number; data: string }[];
  digest: string;
  runtime: { [name: string]: string };
  files: { path: string; bytes: number; sha256: string; kind: "code" | "data" }[];
}

/** A passed comparison: the number of golden records, their largest difference, and the one that is allowed. */
export interface Proof {
  records: number;
  largest: number;
  tolerance: number;
}

export interface Golden {
  tolerance: number;
  batch: number;
  records: { record: ModelRecord; expected: Answer }[];
}

export interface Model<R extends ModelRecord = ModelRecord, A extends Answer = Answer> {
  readonly about: About;
  /** Predict all records as one batch. Throws an `InputError` or a `PredictionError`. */
  predict(records: readonly R[]): Promise<A[]>;
  /** Answer the golden records, and compare. Throws a `GoldenError` if an answer differs by more than the tolerance. */
  prove(): Promise<Proof>;
  golden(): Promise<Golden>;
  /** Free the memory of the graph; the model cannot predict any more. */
  release(): Promise<void>;
}

/** Load the model; `base` is the folder of the export, by default the module's. Throws a `PackageError`. */
export function load<R extends ModelRecord = ModelRecord, A extends Answer = Answer>(base?: URL): Promise<Model<R, A>>;

/** A record is wrong; `problems` names every wrong field, as `[3].text`, and nothing was predicted. */
export class InputError extends Error {
  readonly name: "InputError";
  readonly problems: readonly { field: string; message: string }[];
}

/** The graph failed on records that the schema allows. */
export class PredictionError extends Error {
  readonly name: "PredictionError";
}

/** A file of the export is missing, or is not the one that `model.json` lists. */
export class PackageError extends Error {
  readonly name: "PackageError";
}

/** An answer to a golden record differs from the expected one by more than the tolerance. */
export class GoldenError extends Error {
  readonly name: "GoldenError";
  readonly proof: Proof;
}

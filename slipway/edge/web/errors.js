/** @file The errors of an exported model. Tell them by `name`, since two exports have classes of their own. */

/** A record is wrong; `problems` names every wrong field, as `[3].text`, and nothing was predicted. */
export class InputError extends Error {
  name = "InputError";

  constructor(problems) {
    super(problems.map(({ field, message }) => `${field}: ${message}`).join("; "));
    this.problems = problems;
  }
}

/** The graph failed on records that the schema allows, or returned numbers that are no answer. */
export class PredictionError extends Error {
  name = "PredictionError";
}

/** A file of the export is missing, or is not the one that `model.json` lists. */
export class PackageError extends Error {
  name = "PackageError";
}

/** An answer to a golden record differs from the expected one by more than the tolerance; `proof` has the figures. */
export class GoldenError extends Error {
  name = "GoldenError";

  constructor(message, proof) {
    super(message);
    this.proof = proof;
  }
}

"""Writes nannyml's census and its own estimates to files, in the environment that benchmarks/accuracy.py makes.

python benchmarks/accuracy_data.py FOLDER
"""

import sys
from pathlib import Path

import nannyml
import numpy as np

WINDOWS = (1000, 2500, 5000)


def main() -> None:
    """Write reference.npz, analysis.npz and cbpe-{size}.npz."""
    folder = Path(sys.argv[1])
    reference, analysis, targets = nannyml.load_us_census_ma_employment_data()
    analysis = analysis.merge(targets, on="id")
    for name, data in (("reference", reference), ("analysis", analysis)):
        probability, predicted = data.predicted_probability.to_numpy(float), data.prediction.to_numpy(int)
        score = np.where(predicted == 1, probability, 1 - probability)
        right = (predicted == data.employed.to_numpy(int)).astype(float)
        np.savez(folder / f"{name}.npz", label=predicted, score=score, right=right)
    for size in WINDOWS:
        cbpe = nannyml.CBPE(
            y_pred_proba="predicted_probability",
            y_pred="prediction",
            y_true="employed",
            problem_type="classification_binary",
            metrics=["accuracy"],
            chunk_size=size,
        )
        found = cbpe.fit(reference).estimate(analysis).filter(period="analysis").to_df()["accuracy"]
        low, high = found["lower_confidence_boundary"], found["upper_confidence_boundary"]
        np.savez(folder / f"cbpe-{size}.npz", value=found["value"], low=low, high=high)


if __name__ == "__main__":
    main()

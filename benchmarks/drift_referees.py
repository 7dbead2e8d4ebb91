"""What Evidently and nannyml compute, for `benchmarks.drift_speed`; it runs in their environment, without Slipway."""

import json
import resource
import sys
import time
from pathlib import Path


def speed(reference: str, current: str, columns: str) -> dict[str, float]:
    """The time and memory of Evidently's drift of the first columns of a Parquet file."""
    import pandas
    from evidently import Report
    from evidently.presets import DataDriftPreset

    names = [f"c{number}" for number in range(int(columns))]
    started, used = time.perf_counter(), time.process_time()
    frames = [pandas.read_parquet(path, columns=names) for path in (current, reference)]
    Report([DataDriftPreset(num_method="psi")]).run(*frames).dict()
    return {
        "seconds": time.perf_counter() - started,
        "cpu": time.process_time() - used,
        "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def effects(path: str) -> dict[str, float]:
    """The effect sizes of one column of categories."""
    import pandas
    from evidently.legacy.calculations.stattests.jensenshannon import jensenshannon_stat_test
    from evidently.legacy.calculations.stattests.psi import psi_stat_test
    from evidently.legacy.core import ColumnType
    from nannyml.drift.univariate.methods import CategoricalJensenShannonDistance

    found = json.loads(Path(path).read_text(encoding="utf-8"))
    before, now = (pandas.Series(found[name], name="column", dtype="object") for name in ("before", "now"))
    method = CategoricalJensenShannonDistance(chunker=None, threshold=None)
    method._fit(before)
    kind = ColumnType.Categorical
    return {
        "nannyml": float(method._calculate(now)),
        "evidently_js": float(jensenshannon_stat_test.func(before, now, kind, 0.1)[0]),
        "evidently_psi": float(psi_stat_test.func(before, now, kind, 0.1)[0]),
    }


if __name__ == "__main__":
    print(json.dumps({"speed": speed, "effects": effects}[sys.argv[1]](*sys.argv[2:])))

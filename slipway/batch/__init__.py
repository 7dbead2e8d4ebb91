"""Batch scoring: jobs of Slipway's own, and `scorer`, a callable for Dask, Spark, Ray and whatever has tables.

from slipway.batch import scorer

score = scorer("models/flight-delay/2")
scored = score(frame)  # a pandas DataFrame, an Arrow table, or a mapping of columns
"""

from slipway.batch.engines import TableScorer, scorer

__all__ = ["TableScorer", "scorer"]

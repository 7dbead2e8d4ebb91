"""Load held: mixed traffic on both tiers of an embedded AWS for some minutes. `python -m benchmarks.load --help`."""

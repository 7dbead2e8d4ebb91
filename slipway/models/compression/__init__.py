"""From a package to a smaller one, held against the original: `slipway model quantize`, `prune` and `distill`."""

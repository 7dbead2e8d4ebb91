"""Make a smaller package and compare it with the original: `slipway model quantize`, `prune` and `distill`."""

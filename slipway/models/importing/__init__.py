"""Make a package of a trained model of another framework: `slipway model import`."""

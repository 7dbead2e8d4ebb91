"""From a trained model of another framework to a package: `slipway model import`."""

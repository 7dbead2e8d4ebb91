"""`slipway config`: what slipway.yaml says."""

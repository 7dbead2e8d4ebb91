"""What slipway.yaml does not say, and templates, functions and commands must agree on."""

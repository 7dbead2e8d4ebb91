"""A model on a device: it predicts here, and what it did is sent home later."""

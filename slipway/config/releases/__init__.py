"""The parts of slipway.yaml on releases: their strategies, what is judged, and the gates before them."""

"""`slipway init`: a project of one's own, which has Slipway as a dependency."""

"""`slipway local loop`: months of flights in minutes, with a model that is trained again, and labels that lie."""

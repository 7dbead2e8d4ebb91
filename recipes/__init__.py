"""The recipes of the packages under ``models/``: seeded, one command per model."""

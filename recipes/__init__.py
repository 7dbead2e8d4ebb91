"""How the packages under ``models/`` were made: seeded, one command for each model."""

"""The commands on an account: what a deploy costs, what would stop it, and the deploy itself."""

"""Batch jobs in an account: files in S3, runs of the state machine, and what its steps do."""

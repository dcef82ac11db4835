"""What the data means: pure functions from handed bytes and Arrow batches to rows.

Nothing here knows Dagster, Delta Lake, a clock, the environment or a path of its own.
"""

"""Worked examples: what a user does with a release, from end to end. `make example` runs them."""

"""Bridges: a `TrainingDataset` in the hands of other libraries, one module a library.

In: an open dataset, and which of its decisions. Out: what that library trains on, with the very
bits of the release. Invariants: every decision once; an episode that rugged is terminated, one
whose capture ended is truncated; nothing is imported before it is asked for, and what is missing is
named with the extra that brings it (`MissingExtra`).

Belongs here: handing over. Goes elsewhere: order, splits, normalising (`rugs_assets.lake.dataset`).
"""

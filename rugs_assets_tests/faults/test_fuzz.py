"""Hostile files through every reader and stage: the same few each time; `make fuzz` tries more."""

from __future__ import annotations

from rugs_assets_tests.faults.fuzz import try_many
from rugs_assets_tests.faults.mutations import hostile

FILES = 50


def test_hostile_files_are_accounted_for() -> None:
    outcomes, failed = try_many(0, FILES)
    assert not failed, failed[0][1]
    assert outcomes.total() == FILES
    # Files that are refused as a whole would show little.
    assert outcomes["read"] > FILES / 2
    assert {"unreadable", "unrecognised"} <= set(outcomes)


def test_a_seed_is_a_file() -> None:
    assert hostile(7) == hostile(7)
    assert len({hostile(seed).data for seed in range(30)}) == 30

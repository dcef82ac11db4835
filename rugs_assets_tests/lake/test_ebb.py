"""Memory is given back while rows go by, and not for a few of them."""

from __future__ import annotations

import pytest

from rugs_assets.lake import memory


class _Pool:
    """A pool that counts how often it was asked to let go."""

    released = 0

    def release_unused(self) -> None:
        """Count."""
        self.released += 1


def test_memory_is_given_back_once_for_many_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = _Pool()
    monkeypatch.setattr("pyarrow.default_memory_pool", lambda: pool)
    ebb = memory.Ebb()
    told = []
    for _ in range(5):
        ebb.passed(memory.MANY_ROWS // 2)
        told.append(pool.released)
    assert told == [0, 1, 1, 2, 2]


def test_of_a_long_date_that_is_written_it_is_given_back_more_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = _Pool()
    monkeypatch.setattr("pyarrow.default_memory_pool", lambda: pool)
    for writes, times in ((False, 4 + 1), (True, 4 + 4)):
        ebb, pool.released = memory.Ebb(writes=writes), 0
        for _ in range(4 + 1):
            for _ in range(4):
                ebb.passed(memory.MANY_ROWS // 4)
        assert pool.released == times

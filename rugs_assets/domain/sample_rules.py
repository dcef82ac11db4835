"""The rules of `aligned_samples` and `unaligned_actions`: what is true of every date's decisions.

In: batches of the stored tables. Out: violations. How decisions are made stands in ``samples``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pyarrow as pa

from rugs_assets.domain import events as ev
from rugs_assets.domain.games import games_in
from rugs_assets.domain.violations import Violations, violations

_ALIGN_AGAIN = "materialize aligned_samples of this date again"


def violations_of_press_accounting(
    events: Iterable[pa.RecordBatch],
    samples: Iterable[pa.RecordBatch],
    unaligned: Iterable[pa.RecordBatch],
) -> Violations:
    """Presses in = aligned + unaligned, game by game.

    Args:
        events: rows of `raw_ws_events`; ``event``, ``episode_id`` and ``is_context`` are read.
        samples: rows of `aligned_samples`; ``episode_id``, ``action`` and ``adjust`` are read.
        unaligned: rows of `unaligned_actions`; ``episode_id`` is read.
    """
    pressed: Counter[str | None] = Counter()
    for batch in events:
        is_press = batch["event"].to_numpy(zero_copy_only=False).astype(str) == ev.BUTTON
        is_press &= ~batch["is_context"].to_numpy(zero_copy_only=False)
        pressed.update(batch["episode_id"].filter(pa.array(is_press)).to_pylist())
    aligned: Counter[str | None] = Counter()
    for game in games_in(samples, ("episode_id", "action", "adjust")):
        carried = np.count_nonzero(game.column("action")) + np.count_nonzero(game.column("adjust"))
        aligned[game.episode_id] += int(carried)
    left: Counter[str | None] = Counter()
    for batch in unaligned:
        left.update(batch["episode_id"].to_pylist())
    found = [
        {"episode_id": game, "pressed": pressed[game], "aligned": on_rows, "unaligned": left[game]}
        for game in dict.fromkeys([*pressed, *aligned, *left])
        if pressed[game] != (on_rows := aligned[game]) + left[game]
    ]
    return violations("presses in = aligned + unaligned", found, cure=_ALIGN_AGAIN)


def violations_of_endings(samples: Iterable[pa.RecordBatch]) -> Violations:
    """No sample is done and truncated; of a game the last one is one of them, and no other."""
    return violations(
        "the last sample of a game, and no other, is either done or truncated",
        _wrong_endings(samples),
        cure=_ALIGN_AGAIN,
    )


def _wrong_endings(samples: Iterable[pa.RecordBatch]) -> Iterator[Mapping[str, object]]:
    for game in games_in(samples, ("episode_id", "frame", "done", "truncated")):
        done, truncated = game.column("done"), game.column("truncated")
        expected = np.zeros(len(done), bool)
        expected[-1] = True
        wrong = (done & truncated) | ((done | truncated) != expected)
        for at in np.flatnonzero(wrong).tolist():
            yield {
                "episode_id": game.episode_id,
                "frame": int(game.column("frame")[at]),
                "is_last": bool(expected[at]),
                "done": bool(done[at]),
                "truncated": bool(truncated[at]),
            }


def violations_of_tick_steps(samples: Iterable[pa.RecordBatch]) -> Violations:
    """Time in a game never runs back: every tick_delta is 0 or more."""
    found = (
        {
            "episode_id": game.episode_id,
            "frame": int(game.column("frame")[at]),
            "tick_delta": int(game.column("tick_delta")[at]),
        }
        for game in games_in(samples, ("episode_id", "frame", "tick_delta"))
        for at in np.flatnonzero(game.column("tick_delta") < 0).tolist()
    )
    return violations("tick_delta is 0 or more", found, cure=_ALIGN_AGAIN)

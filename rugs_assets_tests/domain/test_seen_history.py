"""What is cut out of full frames changes nothing of what is read of them."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from rugs_assets.domain import protocol
from rugs_assets.domain.capture import CaptureReader, Decoded
from rugs_assets.domain.seen_history import LARGE_LINE, SeenHistory

PRICES = [1 + tick / 1000 for tick in range(1500)]


def entry(number: int, **fields: Any) -> dict[str, Any]:
    fair = {"serverSeed": "a" * 64, "serverSeedHash": "b" * 64}
    made = {"id": f"20251215-{number:016x}", "timestamp": 1765799999980 + number, "prices": PRICES}
    return made | {"peakMultiplier": 2.5, "rugged": True, "provablyFair": fair, **fields}


def frame(seq: int, games: list[dict[str, Any]], *, history_first: bool = True) -> bytes:
    plain: dict[str, Any] = {"gameId": "20251215-00000000000000ff", "price": 1 + seq / 100}
    plain |= {"tickCount": seq, "active": True, "rugged": False}
    shown = {"gameHistory": games}
    data = {**shown, **plain} if history_first else {**plain, **shown}
    stamp = f"2025-12-15T12:00:{seq:02d}.000000+00:00"
    return json.dumps({"seq": seq, "ts": stamp, "event": "gameStateUpdate", "data": data}).encode()


def read(lines: list[bytes]) -> list[Decoded]:
    text = io.BytesIO(b"\n".join(lines) + b"\n")
    return list(CaptureReader(str.upper).jsonl(text, source_file="f", session_id="s"))


def said(lines: list[bytes]) -> tuple[list[Any], list[tuple[int, str]]]:
    found = read(lines)
    rows = [row for decoded in found for row in decoded.events.to_pylist()]
    return rows, [(reject.position, reject.reason) for one in found for reject in one.rejects]


GAMES = [entry(number) for number in range(20, 0, -1)]
SLIDING = [frame(seq, GAMES[10 - seq // 2 : 14 - seq // 2]) for seq in range(1, 10)]
TWICE = [frame(1, GAMES[:4]), frame(1, GAMES[:4]), frame(2, GAMES[:4]), frame(3, GAMES[:4])]
LATE = [frame(seq, GAMES[:4], history_first=False) for seq in range(1, 5)]
FIRST_REJECTED = [
    frame(1, GAMES[:4]).replace(b'"tickCount": 1', b'"tickCount": 1.5'),
    *(frame(seq, GAMES[:4]) for seq in (2, 3)),
]
BAD_PRICES = [frame(seq, [entry(1, prices=["x"] * 9000), *GAMES[:4]]) for seq in (1, 2, 3)]
CHANGED = [frame(1, GAMES[:4]), frame(2, [entry(20, peakMultiplier=9.0), *GAMES[1:4]])]
IN_A_TEXT = [
    *(frame(seq, GAMES[:4]) for seq in (1, 2)),
    frame(3, GAMES[:4]).replace(
        b'"price"', b'"note": "' + json.dumps(GAMES[1]).encode() + b'", "price"'
    ),
    frame(4, GAMES[:4]),
]
CUT = [frame(1, GAMES[:4]), frame(2, GAMES[:4])[:-40_000] + b"}", frame(3, GAMES[:4])]


@pytest.mark.parametrize(
    "lines",
    [SLIDING, TWICE, LATE, FIRST_REJECTED, BAD_PRICES, CHANGED, IN_A_TEXT, CUT],
    ids=["sliding", "twice", "late", "rejected", "prices", "changed", "in a text", "cut"],
)
def test_frames_are_read_as_if_nothing_had_been_cut_out(
    lines: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert min(map(len, lines)) > LARGE_LINE
    cut = said(lines)
    monkeypatch.setattr(SeenHistory, "reduce", lambda _, line: line)
    assert said(lines) == cut


def test_what_was_seen_is_cut_out() -> None:
    seen = SeenHistory()
    reduced = []
    for line in SLIDING:
        reduced.append(seen.reduce(line))
        found = protocol.decode_lines(reduced[-1])
        assert found is not None
        seen.learn(line, found[0])
    assert len(reduced[0]) == len(SLIDING[0])
    # Every second frame shows a new game; of the rest nothing but the ids is left.
    assert len(reduced[2]) < len(SLIDING[2]) / 3

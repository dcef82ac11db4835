"""Half a character is JSON: it costs nothing but itself, wherever it stands, whoever reads it."""

from __future__ import annotations

import io
import json
from typing import Any

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import example, given

from rugs_assets.domain import protocol
from rugs_assets.domain.capture import CaptureReader
from rugs_assets.domain.live import LiveReader
from rugs_assets.domain.payloads import PlayerUpdatePayload
from rugs_assets.domain.records import read_records
from rugs_assets.domain.surrogates import whole_characters, without_surrogates
from rugs_assets_tests.captures_builders import ME, Record, active, event, game_history, lines

HALF = "Bob \ud83d"
OWN = f"did:privy:m{HALF}"

# Pieces of the inside of a JSON string: halves of characters, whole ones, and what only looks so.
_pieces = st.sampled_from(
    [
        *(r"\ud83d", r"\uDE00", r"\uDBFF", r"\udc00", r"\ud83d\ude00", r"\\ud83d", r"\\\ud83d"),
        *(r"\\", r"\"", r"\n", r"\u0041", r"\ufffd", "u", "d83d", "a", "\u00e9", "\U0001f600"),
    ]
)
_texts = st.lists(_pieces, max_size=8).map(lambda pieces: '"' + "".join(pieces) + '"')
_values = st.recursive(
    _texts,
    lambda held: (
        st.lists(held, max_size=3).map(lambda parts: "[" + ", ".join(parts) + "]")
        | st.lists(st.tuples(_texts, held), max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=6,
)


def whole(value: Any) -> Any:
    """What the standard library read, with U+FFFD for what is half a character."""
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in value)
    if isinstance(value, dict):
        return {whole(key): whole(held) for key, held in value.items()}
    return [whole(held) for held in value]


def read_whole(text: str) -> Any:
    """JSON as the standard library reads it; of keys that become one the last one holds."""

    def joined(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        return {whole(key): held for key, held in pairs}

    return whole(json.loads(text, object_pairs_hook=joined))


@given(_values)
@example(r'{"\uDE00": "", "\ud83d": "", "\uDE00": "a"}')
@example(r'"\\\ud83d\\\\ud83d\ude00"')
@example(r'"\ud83d\ud83d\ude00\ude00"')
def test_json_reads_as_the_standard_library_reads_it(text: str) -> None:
    raw = text.encode()
    mended = whole_characters(raw)
    assert msgspec.json.decode(raw if mended is None else mended) == read_whole(text)
    assert len(raw if mended is None else mended) == len(raw)
    assert without_surrogates(json.loads(text)) == whole(json.loads(text))


@given(_values)
def test_no_record_is_lost_and_its_payload_is_the_same_wherever_it_is_decoded(text: str) -> None:
    record = f'{{"event": "x", "ts": "t", "z": {text}, "data": {{"a": {text}}}}}'.encode()
    assert protocol.name_of(protocol.decode_record(record)) == "x"
    found = protocol.decode_object(record, dict)
    assert found["data"]["a"] == read_whole(text)
    assert protocol.decode_lines(record + b"\n" + record) is not None


@pytest.mark.parametrize("half", [r"\ud83d", r"\uDE00", r"a\ud83d\u0041", r"\\\ud83d"])
def test_chunks_with_half_a_character_are_read_at_once(half: str) -> None:
    text = f'{{"event": "x", "data": {{"name": "{half}"}}}}\n'.encode() * 3
    (chunk, _) = read_records(io.BytesIO(text))
    assert (len(chunk.envelopes), chunk.rejects) == (3, [])
    assert chunk.block is not None, "the careful path is for what is broken"
    assert chunk.raw(1) == text.splitlines()[1]


def test_an_escaped_backslash_is_text() -> None:
    assert whole_characters(rb'"\\ud83d"') is None
    assert protocol.decode_object(rb'{"id": "\\ud83d"}', PlayerUpdatePayload).id == r"\ud83d"


def test_what_is_broken_beside_half_a_character_is_broken() -> None:
    with pytest.raises(protocol.Malformed, match="truncated"):
        protocol.decode_record(rb'{"event": "x", "name": "\ud83d"')


def _session() -> list[Record]:
    """Half characters in every part that is decoded at a time of its own."""
    board = [
        {"id": "did:privy:other", "username": HALF, "positionQty": 1.0},
        {"id": OWN, "username": HALF, "positionQty": 2.0, "avgCost": 1.5},
    ]
    history = [game_history("20251215-0000000000000000", 1e12, note=HALF)]
    return [
        event(1, "usernameStatus", {"id": OWN, "username": HALF}),
        active(2, 0, leaderboard=board),
        active(3, 1, leaderboard=board, gameHistory=history),
        event(4, "playerUpdate", {"id": OWN, "cash": 3.5, "name": HALF}),
        event(
            5,
            "gameStatePlayerUpdate",
            {"gameId": "20251215-aaaaaaaaaaaaaaaa", "leaderboardEntry": board[1]},
        ),
        event(6, "chat", {"text": HALF}),
    ]


def test_every_part_is_read_and_the_own_player_is_known() -> None:
    reader = CaptureReader(lambda player_id: f"p-{player_id.encode().hex()}")
    blocks = list(reader.jsonl(io.BytesIO(lines(*_session())), source_file="f", session_id="s"))
    rows = [row for block in blocks for row in block.events.to_pylist()]
    assert [reject for block in blocks for reject in block.rejects] == []
    assert [row["position_qty"] for row in rows] == [None, 2.0, 2.0, None, 2.0, None]
    own = {row["player_id"] for row in rows} - {None}
    assert own == {"p-" + "did:privy:mBob \ufffd".encode().hex()}
    assert rows[2]["revealed"][0]["prices"] == [1, 1.5, 0.01]


def test_a_live_reader_reads_the_same() -> None:
    batch = CaptureReader(lambda player_id: player_id, any_game=True)
    (block,) = batch.jsonl(io.BytesIO(lines(*_session())), source_file="f", session_id="s")
    live = LiveReader()
    rows = [live.row(record) for record in _session()]
    as_stored = LiveReader()
    kept = [
        as_stored.row(
            {
                "ts": each["ts"],
                "raw_json": json.dumps({"event": each["event"], "data": each["data"]}),
            }
        )
        for each in _session()
    ]
    for recorded, shown, again in zip(block.events.to_pylist(), rows, kept, strict=True):
        for name in ("event", "price", "tick", "player_id", "balance", "position_qty", "revealed"):
            assert shown[name] == again[name] == recorded[name], name


@pytest.mark.parametrize(
    ("own", "spelt"),
    [("did:privy:m\u00e9", None), (ME, ME.replace("e", r"\u0065")), ("a/b", r"a\/b")],
)
def test_the_own_player_is_found_however_the_id_is_spelt(own: str, spelt: str | None) -> None:
    named = lines(event(1, "usernameStatus", {"id": own}))
    frames = lines(
        *(active(seq, seq, leaderboard=[{"id": own, "positionQty": 2.0}]) for seq in (2, 3))
    )
    if spelt is not None:
        frames = frames.replace(own.encode(), spelt.encode())
    reader = CaptureReader(lambda player_id: player_id)
    (block,) = reader.jsonl(io.BytesIO(named + frames), source_file="f", session_id="s")
    assert block.events["position_qty"].to_pylist() == [None, 2.0, 2.0]

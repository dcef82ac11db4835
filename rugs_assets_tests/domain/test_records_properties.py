"""For any bytes: every line is accounted for, no good record is lost, no chunk size matters."""

from __future__ import annotations

import io
import json

import hypothesis.strategies as st
from hypothesis import given, settings

from rugs_assets.domain.capture import CaptureReader
from rugs_assets.domain.chunks import Chunk
from rugs_assets.domain.records import read_records

GOOD = "kept"

keys = st.text(st.characters(codec="utf-8"), max_size=4)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    keys,
)
payloads = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def good_lines(draw: st.DrawFn) -> bytes:
    record = {"seq": draw(st.integers(0, 9)), "ts": "2025-12-15T12:00:00", "event": GOOD}
    return json.dumps(record | {"data": draw(payloads)}).encode()


frames = st.sampled_from(
    [
        {"gameId": "20251215-aaaaaaaaaaaaaaaa", "tickCount": 1, "price": 1.5},
        {"gameId": "nonsense", "tickCount": 0.5, "price": "cheap"},
        {"tickCount": 1e300, "gameHistory": [{"id": "x"}], "rugpool": {"threshold": 1e200}},
        {"gameHistory": [{"id": "20251215-aaaaaaaaaaaaaaaa", "timestamp": 1e300, "prices": [1]}]},
        {"leaderboard": {"not": "a list"}, "gameId": "99999999-aaaaaaaaaaaaaaaa"},
    ]
)
events = st.builds(
    lambda data, name, ts: json.dumps({"ts": ts, "event": name, "data": data}).encode(),
    frames,
    st.sampled_from(["gameStateUpdate", "gameStatePlayerUpdate", "playerUpdate", "success"]),
    st.sampled_from(["2025-12-15T12:00:00", "9999-12-31T23:59:59", "when?", 1e12, 1e300, None]),
)
garbage = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [
            *(b"{", b"}", b"{{", b'{"', b'"', b"[", b"\\", b"{}", b"\x00", b"\xff\xfe", b""),
            *(b"NaN", b"-Infinity", b'{"event": NaN}', b"1e999", b'{"seq": 1e999, "event": "x"}'),
            *(b'{"event": "\\ud800"}', b'{"type": "tick"}', b'{"event": null}', b'{"data": '),
            b'{"event": "deep", "data": ' + b"[" * 3_000,
            b'{"event": "deep", "data": ' + b'{"a":' * 3_000,
        ]
    ),
)


@st.composite
def cut_lines(draw: st.DrawFn) -> bytes:
    whole = draw(good_lines())
    return whole[: draw(st.integers(0, len(whole) - 1))]


pieces = st.one_of(good_lines(), events, garbage, cut_lines())
mixtures = st.builds(
    lambda parts, last: b"".join(part + end for part, end in parts) + last,
    st.lists(st.tuples(pieces, st.sampled_from([b"\n", b"\n", b"\r\n", b"", b" "])), max_size=12),
    st.one_of(st.just(b""), pieces),
)


def read(text: bytes, chunk_bytes: int = 1 << 20, longest_line: int = 1 << 16) -> list[Chunk]:
    stream = io.BytesIO(text)
    return list(read_records(stream, chunk_bytes=chunk_bytes, longest_line=longest_line))


def gist(chunks: list[Chunk]) -> tuple[object, ...]:
    """All that reading gave, whatever the chunks."""
    return (
        [
            (position, envelope, chunk.raw(at))
            for chunk in chunks
            for at, (position, envelope) in enumerate(
                zip(chunk.positions, map(repr_of, chunk.envelopes), strict=True)
            )
        ],
        [bad for chunk in chunks for bad in chunk.rejects],
        sum(chunk.lines for chunk in chunks),
        sum(chunk.blank for chunk in chunks),
        sum(chunk.joined for chunk in chunks),
        sum(chunk.doubled for chunk in chunks),
    )


def repr_of(envelope: object) -> tuple[str, object]:
    return type(envelope).__name__, getattr(envelope, "event", None)


@given(mixtures)
@settings(max_examples=80, deadline=None)
def test_every_line_is_accounted_for(text: bytes) -> None:
    chunks = read(text)
    accounted = sum(
        chunk.blank + chunk.joined + len(chunk.envelopes) + len(chunk.rejects) - chunk.doubled
        for chunk in chunks
    )
    lines = text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
    assert sum(chunk.lines for chunk in chunks) == lines == accounted


@given(mixtures, st.integers(1, 40), st.integers(1, 400))
@settings(max_examples=80, deadline=None)
def test_the_size_of_chunks_changes_nothing(text: bytes, chunk_bytes: int, longest: int) -> None:
    whole = read(text, longest_line=longest)
    assert gist(read(text, chunk_bytes, longest)) == gist(whole)


@given(st.lists(st.one_of(good_lines(), garbage, cut_lines()), max_size=12))
@settings(max_examples=80, deadline=None)
def test_no_good_line_is_lost(lines: list[bytes]) -> None:
    lines = [line.replace(b"\n", b" ") for line in lines]
    found = [
        chunk.raw(at)
        for chunk in read(b"\n".join(lines))
        for at, envelope in enumerate(chunk.envelopes)
        if envelope.event == GOOD
    ]
    good = [line.strip() for line in lines if _is_good(line)]
    assert [raw.strip() for raw in found] == good


@given(st.lists(good_lines(), min_size=1, max_size=4), cut_lines())
@settings(max_examples=40, deadline=None)
def test_good_records_on_one_line_are_all_found(records: list[bytes], cut: bytes) -> None:
    # A cut inside of a string would make the records part of it as far as anybody can tell; the
    # search for the beginning of a record finds them all the same.
    text = cut + b"".join(records) + b"\n"
    found = [chunk.raw(at) for chunk in read(text) for at, envelope in enumerate(chunk.envelopes)]
    assert found[-len(records) :] == records


@given(mixtures)
@settings(max_examples=80, deadline=None)
def test_no_bytes_are_too_bad_to_be_read(text: bytes) -> None:
    reader = CaptureReader(lambda player_id: f"p-{player_id}")
    blocks = list(reader.jsonl(io.BytesIO(text), source_file="f", session_id="s"))
    accounted = sum(
        block.blank + block.joined + block.events.num_rows + block.duplicates + len(block.rejects)
        for block in blocks
    )
    assert accounted - sum(block.doubled for block in blocks) == sum(b.lines for b in blocks)


def _is_good(line: bytes) -> bool:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(record, dict) and record.get("event") == GOOD

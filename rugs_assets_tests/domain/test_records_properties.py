"""For any bytes: every line is accounted for, no good record is lost, no chunk size matters."""

from __future__ import annotations

import io
import json

import hypothesis.strategies as st
from hypothesis import given, settings

from rugs_assets.domain.capture import CaptureReader
from rugs_assets.domain.chunks import Chunk
from rugs_assets.domain.records import read_records
from rugs_assets_tests.bytes_strategies import GOOD, cut_lines, garbage, good_lines, mixtures


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

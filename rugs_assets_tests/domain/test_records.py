"""Where one record ends and the next begins, on lines that are good, broken, doubled or endless."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from itertools import chain

import pytest

from rugs_assets.domain.records import read_records


@dataclass
class Read:
    """What reading gave, all chunks together."""

    names: list[str | None] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    rejected: list[tuple[int, str, bytes]] = field(default_factory=list)
    lines: int = 0
    blank: int = 0
    joined: int = 0
    lost: int = 0


def read(text: bytes, *, chunk_bytes: int = 1 << 20, longest_line: int = 1 << 20) -> Read:
    found = Read()
    chunks = list(
        read_records(io.BytesIO(text), chunk_bytes=chunk_bytes, longest_line=longest_line)
    )
    for chunk in chunks:
        found.names += [envelope.event or envelope.type for envelope in chunk.envelopes]
        found.positions += chunk.positions
        found.raws += [chunk.raw(at) for at in range(len(chunk.envelopes))]
        found.rejected += [(bad.position, bad.reason, bad.raw) for bad in chunk.rejects]
    found.lines = sum(chunk.lines for chunk in chunks)
    found.blank = sum(chunk.blank for chunk in chunks)
    found.joined = sum(chunk.joined for chunk in chunks)
    doubled = sum(chunk.doubled for chunk in chunks)
    accounted = found.blank + found.joined + len(found.names) + len(found.rejected) - doubled
    found.lost = found.lines - accounted
    return found


def record(name: str, **data: object) -> bytes:
    return json.dumps({"seq": 1, "ts": "t", "event": name, "data": data}).encode()


A, B, C = record("a", x=[1, {"y": 2}]), record("b"), record("c", text='{"not": "a record"}')


def test_one_object_a_line_is_the_rule() -> None:
    found = read(A + b"\n" + B + b"\n" + C + b"\n")
    assert (found.names, found.positions) == (["a", "b", "c"], [1, 2, 3])
    assert (found.raws, found.rejected, found.lost) == ([A, B, C], [], 0)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["unix", "windows"])
@pytest.mark.parametrize("last", [True, False], ids=["ended", "no newline at the end"])
def test_line_ends(end: bytes, *, last: bool) -> None:
    found = read(A + end + B + (end if last else b""))
    assert (found.names, found.lines, found.rejected, found.lost) == (["a", "b"], 2, [], 0)


def test_empty_input_has_no_lines() -> None:
    assert read(b"") == Read()


def test_blank_lines_are_counted() -> None:
    found = read(b"\n" + A + b"\n  \t\n\r\n")
    assert (found.names, found.blank, found.lines, found.lost) == (["a"], 3, 4, 0)


def test_two_objects_on_a_line_are_two_records() -> None:
    found = read(A + B + b"\n" + C + b"\n")
    assert (found.names, found.positions) == (["a", "b", "c"], [1, 1, 2])
    assert (found.raws[:2], found.lines, found.lost) == ([A, B], 2, 0)


def test_what_stands_before_between_and_behind_records_of_a_line_is_rejected() -> None:
    found = read(b"junk " + A + b" {" + B + b" }]\n")
    assert found.names == ["a", "b"]
    assert found.rejected == [
        (1, "not a JSON object", b"junk"),
        (1, "cut off beside a whole record", b"{"),
        (1, "not a JSON object", b"}]"),
    ]
    assert found.lost == 0


def test_a_record_behind_a_long_cut_frame_is_not_lost() -> None:
    entries = b", ".join(b'{"id": {"n": %d}}' % n for n in range(500))
    cut = b'{"seq": 1, "ts": "t", "event": "x", "data": {"leaderboard": [' + entries + b', "cu'
    found = read(cut + A + b"\n")
    assert (found.names, [raw for _, _, raw in found.rejected]) == (["a"], [cut])


def test_doubled_broken_lines_of_the_recorder() -> None:
    start = b'{"type": "tick", "timestamp": "t", "game_id": "g", "tick": 0, "trade_count": 0{"'
    whole = b'{"type": "tick", "timestamp": "t", "game_id": "g", "tick": 1}'
    found = read(start + whole + b"\n" + b'{"' + whole + b"\n")
    assert (found.names, found.positions, found.lost) == (["tick", "tick"], [1, 2], 0)
    assert [raw for _, _, raw in found.rejected] == [start, b'{"']


def test_an_object_over_many_lines_is_one_record() -> None:
    pretty = json.dumps(json.loads(A), indent=2).encode()
    found = read(B + b"\n" + pretty + b"\n" + C + b"\n")
    assert (found.names, found.positions) == (["b", "a", "c"], [1, 2, pretty.count(b"\n") + 3])
    assert (found.raws[1], found.joined, found.lost) == (pretty, pretty.count(b"\n"), 0)


def test_a_cut_object_does_not_swallow_the_records_behind_it() -> None:
    found = read(b'{"event": "x", "data": {\n  "a": 1,\n' + A + b"\n" + B + b"\n")
    assert (found.names, found.positions, found.lost) == (["a", "b"], [3, 4], 0)
    assert [position for position, _, _ in found.rejected] == [1, 2]


def test_an_object_over_many_lines_behind_a_cut_one_is_found() -> None:
    pretty = json.dumps(json.loads(A), indent=0).encode()
    found = read(b'{"event": "x", "data": {\n' + pretty + b"\n" + B + b"\n")
    assert (found.names, found.positions[0], found.lost) == (["a", "b"], 2, 0)
    assert [position for position, _, _ in found.rejected] == [1]


def test_an_object_of_a_payload_is_no_record() -> None:
    cut = b'{"seq": 1, "ts": "t", "event": "currentSidebet", "data": '
    bet = b'{"type": "placed", "timestamp": 1}'
    found = read(cut + bet + b"\n" + A + b"\n")
    assert (found.names, found.lost) == (["a"], 0)
    assert [raw for _, _, raw in found.rejected] == [cut + bet]


@pytest.mark.parametrize(
    "bad",
    [
        b"# remark",
        b"[1, 2]",
        b'"text"',
        b"null",
        b'{"no": "name"}',
        b'{"event": 1}',
        b'{"event": "x", "data": NaN}',
        b'{"event": "x", "seq": 1e999}',
        b'{"event": "\xff"}',
        b"\x00\x00\x00",
        b"\xff\xfe",
        b"}",
        b'{"event": "x", "data": ' + b"[" * 5_000 + b"]" * 5_000 + b"}}",
        b'{"event": "x", "other": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    ],
    ids=lambda bad: repr(bad[:20]),
)
def test_what_is_no_record_costs_only_itself(bad: bytes) -> None:
    found = read(A + b"\n" + bad + b"\n" + B + b"\n")
    assert (found.names, found.lost) == (["a", "b"], 0)
    assert [(position, raw) for position, _, raw in found.rejected] == [(2, bad)]
    assert found.rejected[0][1]


def test_a_line_of_a_pair_of_good_records_in_an_array_gives_both() -> None:
    found = read(b"[" + A + b", " + B + b"]\n")
    assert (found.names, found.lost) == (["a", "b"], 0)


@pytest.mark.parametrize("chunk_bytes", [1, 7, 64, 10_000])
def test_a_line_that_is_too_long_is_rejected_with_its_beginning(chunk_bytes: int) -> None:
    long = b'{"event": "x", "data": "' + b"y" * 300 + b'"}'
    text = A + b"\n" + long + b"\n" + B + b"\n"
    found = read(text, longest_line=200, chunk_bytes=chunk_bytes)
    assert (found.names, found.positions, found.lost) == (["a", "b"], [1, 3], 0)
    assert found.rejected == [(2, "a line longer than 200 bytes", found.rejected[0][2])]
    assert long.startswith(found.rejected[0][2])


def test_a_line_that_never_ends_is_one_reject() -> None:
    found = read(A + b"\n" + b"z" * 1_000, longest_line=200, chunk_bytes=16)
    assert (found.names, found.lines, found.lost) == (["a"], 2, 0)
    assert [position for position, _, _ in found.rejected] == [2]


def test_a_record_over_many_lines_is_not_put_together_beyond_the_limit() -> None:
    pretty = json.dumps({"event": "x", "data": list(range(300))}, indent=1).encode()
    found = read(pretty + b"\n" + B + b"\n", longest_line=200)
    assert (found.names, found.lines, found.lost) == (["b"], pretty.count(b"\n") + 2, 0)


def test_lines_that_only_open_objects_cost_their_length() -> None:
    found = read(b"{\n" * 20_000 + A + b"\n")
    assert (found.names, found.lost, len(found.rejected)) == (["a"], 0, 20_000)


def test_every_whole_record_is_found_whatever_stands_beside_it() -> None:
    pieces = list(
        chain.from_iterable((bad, A) for bad in (b"{", b'{"a": ', b"x", b'{"seq": 1, "t'))
    )
    found = read(b"\n".join(pieces) + b"\n")
    assert (found.names, found.lost) == (["a"] * 4, 0)

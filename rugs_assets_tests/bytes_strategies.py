"""Hypothesis strategies of bytes that a capture file may hold: good, broken and hostile.

`mixtures` draws whole files: good lines, events of any shape, cuts, doubled objects, garbage, NULs,
deep nesting, numbers beyond any meaning, any line ends, with or without a last one.
"""

from __future__ import annotations

import json

import hypothesis.strategies as st

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

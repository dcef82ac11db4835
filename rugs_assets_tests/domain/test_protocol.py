"""The wire's structs: what is decoded, what is skipped, and why something is not."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugs_assets.domain import protocol
from rugs_assets.domain.payloads import RARE, AnswerPayload, PlayerUpdatePayload
from rugs_assets.domain.protocol import (
    Envelope,
    LooseEnvelope,
    Malformed,
    Payload,
    ProvablyFair,
    Rugpool,
)


def test_both_spellings_of_an_event() -> None:
    new = protocol.decode_record(b'{"seq": 1, "ts": "t", "event": "x", "data": null}')
    old = protocol.decode_record(b'{"timestamp": "t", "event_type": "x", "data": null}')
    assert (protocol.name_of(new), new.ts, new.seq) == ("x", "t", 1)
    assert (protocol.name_of(old), old.timestamp, old.seq) == ("x", "t", None)


def test_a_frame_is_typed() -> None:
    record = (
        b'{"event": "gameStateUpdate", "data": {"tickCount": 3, "price": 1, "unknown": {"a": [1]},'
        b'"rugpool": {"rugpoolAmount": 2.5, "threshold": 10, "instarugCount": 4},'
        b'"provablyFair": {"serverSeedHash": "ab"}}}'
    )
    envelope = protocol.decode_record(record)
    assert isinstance(envelope.data, Payload)
    assert (envelope.data.tick_count, envelope.data.price) == (3.0, 1.0)
    assert envelope.data.rugpool == Rugpool(2.5, 10.0, 4.0)
    assert envelope.data.provably_fair == ProvablyFair(None, "ab")
    assert envelope.data.active is None


def test_a_payload_of_other_types_is_loose_and_says_why() -> None:
    record = b'{"event": "gameStateUpdate", "data": {"price": "cheap"}}'
    assert isinstance(protocol.decode_record(record), LooseEnvelope)
    assert "$.data.price" in protocol.why_not_typed(record)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"{}", "without an event's name"),
        (b'{"event": "x"', "truncated"),
        (b'{"event": 5}', "$.event"),
        (b'{"event": "x", "seq": "one"}', "$.seq"),
        (b'{"event": "x", "seq": 1e999}', "out of range"),
        (b'{"event": "x", "data": {"price": "cheap"}, cut', "malformed"),
        (b'{"event": "x", "a": ' + b"[" * 50_000, "nested too deeply"),
        (b'{"event": "\xff"}', "utf-8"),
    ],
)
def test_what_is_no_record_says_why(record: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason.replace("$", r"\$")):
        protocol.decode_record(record)


@pytest.mark.parametrize(
    ("data", "cash"),
    [
        (b'{"cash": 2.5}', 2.5),
        (b'[{"__trace": true, "traceparent": "x"}, {"cash": 2.5}]', 2.5),
        (b'[{"cash": 2.5}]', 2.5),
        (b'{"__trace": true, "traceparent": "x"}', None),
        (b'[{"__trace": true}]', None),
        (b"null", None),
        (b"[]", None),
        (b"7", None),
    ],
)
def test_the_payload_of_a_rare_event(data: bytes, cash: float | None) -> None:
    record = b'{"event": "playerUpdate", "data": ' + data + b"}"
    found = protocol.decode_payload(record, PlayerUpdatePayload)
    assert (found and found.cash) == cash


def test_a_rare_payload_of_wrong_type_is_malformed() -> None:
    with pytest.raises(Malformed, match="cash"):
        protocol.decode_payload(b'{"data": {"cash": "all"}}', PlayerUpdatePayload)


def test_a_bad_button_record_is_malformed() -> None:
    with pytest.raises(Malformed, match="truncated"):
        protocol.decode_object(b'{"success": tr', AnswerPayload)


@pytest.mark.parametrize("raw", [b"", b"null"])
def test_absent_parts_are_none_or_empty(raw: bytes) -> None:
    assert protocol.decode_entry(msgspec.Raw(raw)) is None
    assert protocol.decode_prices(msgspec.Raw(raw)) is None
    assert protocol.decode_entries(raw) == []


@pytest.mark.parametrize("raw", [b'{"id": 5}', b'[{"id": 5}]', b'["x"]'])
def test_parts_of_wrong_type_are_malformed(raw: bytes) -> None:
    for decode in (protocol.decode_entry, protocol.decode_prices):
        with pytest.raises(Malformed):
            decode(msgspec.Raw(raw))
    with pytest.raises(Malformed):
        protocol.decode_entries(raw)


@pytest.mark.parametrize(
    ("record", "is_plain"),
    [
        (b'{"event": "x", "ts": "t"}', True),
        (b'{"event_type": "x", "timestamp": "t"}', True),
        (b'{"type": "tick", "timestamp": "t"}', True),
        (b'{"type": "placed", "timestamp": 1}', False),
        (b'{"event": "x"}', False),
    ],
)
def test_what_is_plainly_recorded(record: bytes, *, is_plain: bool) -> None:
    assert protocol.is_plainly_recorded(protocol.decode_record(record)) == is_plain


def test_a_recorder_line_is_an_envelope_of_its_own() -> None:
    found = protocol.decode_record(b'{"type": "tick", "timestamp": "t", "tick": 4, "price": 1}')
    assert isinstance(found, Envelope)
    assert (protocol.name_of(found), found.type, found.tick, found.price) == (None, "tick", 4, 1)


def test_the_search_for_objects_in_a_line_ends() -> None:
    assert list(protocol.objects_in('{"seq": ' * 20_000)) == []
    assert list(protocol.objects_in('x {"seq": 1} {"event": {"seq": 2}} {"other": 1}')) == [
        (2, 12),
        (13, 34),
    ]


@given(
    st.lists(
        st.sampled_from(
            [*'{}[]:,"x ', '{"seq":', '"event"', "-Infinity", "1e", r"\ud83d", "\\", '{"ts": "a"}']
        ),
        max_size=40,
    )
)
def test_objects_are_found_in_pieces_of_any_size(parts: list[str]) -> None:
    text = "".join(parts)
    whole = list(protocol.objects_in(text))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(protocol, "_FIRST_LOOK", 1)
        assert list(protocol.objects_in(text)) == whole


def test_every_rare_event_has_a_struct_that_ignores_what_it_does_not_know() -> None:
    for rare in RARE.values():
        known = msgspec.json.decode(b"{}", type=rare.payload)
        assert msgspec.json.decode(b'{"somethingNew": {"a": 1}}', type=rare.payload) == known

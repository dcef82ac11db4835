"""The wire: the only place where JSON is decoded, into the structs of ``envelopes``.

In: the bytes of one record or of many lines. Out: `Envelope` objects, or a `Malformed` with the
reason. Invariants: only fields that the domain reads are decoded, everything else is skipped
without creating an object; a number that no double holds, a wrong type or bad JSON is an error with
a reason, never a default. Half a character (an escape of a lone surrogate) is JSON, and reads as
U+FFFD wherever it stands. What a record *means* (which events count, what they carry) stands in
``events``; how a file is cut into records stands in ``records``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec

from rugs_assets.domain.envelopes import (
    Envelope,
    HistoryEntry,
    LooseEnvelope,
    Payload,
    PlayerEntry,
    ProvablyFair,
    Rugpool,
)
from rugs_assets.domain.surrogates import whole_characters

__all__ = [
    "Envelope",
    "HistoryEntry",
    "LooseEnvelope",
    "Malformed",
    "Payload",
    "PlayerEntry",
    "ProvablyFair",
    "Rugpool",
]


class Malformed(ValueError):
    """Bytes that are not a record of the protocol; the message is the reason."""


RECORDER_LINES = frozenset(
    {"tick", "game_start", "game_end", "game_complete", "session_start", "session_end"}
)
"""The lines of the tick recorder, by ``type``; only a tick is an event of the game."""


def name_of(envelope: Envelope | LooseEnvelope) -> str | None:
    """The event's name in whichever spelling the capture uses; None for a recorder's line."""
    return envelope.event if envelope.event is not None else envelope.event_type


def is_plainly_recorded(envelope: Envelope | LooseEnvelope) -> bool:
    """Whether an object shows by itself that a recorder wrote it: a known kind, and a stamp.

    An object inside a payload (a side bet has ``type`` and ``timestamp``) does not pass.
    """
    is_known = name_of(envelope) is not None or envelope.type in RECORDER_LINES
    return is_known and (envelope.ts is not None or envelope.timestamp is not None)


class _RareRecord(msgspec.Struct, gc=False):
    data: msgspec.Raw = msgspec.Raw()


_ENVELOPES = msgspec.json.Decoder(Envelope)
_LOOSE = msgspec.json.Decoder(LooseEnvelope)
_RARE = msgspec.json.Decoder(_RareRecord)
_ENTRY = msgspec.json.Decoder(PlayerEntry)
_ENTRIES = msgspec.json.Decoder(list[PlayerEntry])
_PRICES = msgspec.json.Decoder(list[float])
_PAIR = msgspec.json.Decoder(list[msgspec.Raw])
_DECODERS: dict[type, msgspec.json.Decoder[Any]] = {}
_STDLIB = json.JSONDecoder()
_FIRST_KEY = re.compile(
    r'\{\s*"(?:source|session_id|' + "|".join(Envelope.__struct_fields__) + r')"\s*:'
)
_SEARCH_FACTOR = 32
_FIRST_LOOK = 4_096
_LONGEST_WORD = len("-Infinity")
"""A number, a word or an escape that the end of a piece cuts off begins this near to it."""

_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_Struct = TypeVar("_Struct")
_Read = TypeVar("_Read")


def decode_lines(chunk: bytes | memoryview) -> list[Envelope] | None:
    """Decode many lines at once: the fast path. None where any of them needs a closer look."""
    try:
        return _read(_ENVELOPES.decode_lines, chunk)
    except _ERRORS:
        return None


def _read(decode: Callable[[Any], _Read], text: bytes | memoryview | msgspec.Raw) -> _Read:
    """Decode text; only where that fails is it looked at for halves of characters."""
    try:
        return decode(text)
    except _ERRORS:
        mended = whole_characters(memoryview(text))
        if mended is None:
            raise
        return decode(mended)


def decode_record(record: bytes) -> Envelope | LooseEnvelope:
    """Decode one record.

    Returns:
        An `Envelope`, or a `LooseEnvelope` where the payload has other types than `Payload`.

    Raises:
        Malformed: where the bytes are no JSON object with an event's name.
    """
    try:
        found: Envelope | LooseEnvelope = _read(_ENVELOPES.decode, record)
    except msgspec.ValidationError as typed:
        try:
            found = _read(_LOOSE.decode, record)
        except msgspec.ValidationError:
            raise Malformed(str(typed)) from None
        except _ERRORS as broken:
            raise Malformed(_reason(broken)) from None
    except _ERRORS as broken:
        raise Malformed(_reason(broken)) from None
    if name_of(found) is None and found.type is None:
        raise Malformed("a JSON object without an event's name")
    return found


def why_not_typed(record: bytes) -> str:
    """The reason why a record's payload does not fit `Payload`, with the path of the field."""
    try:
        _read(_ENVELOPES.decode, record)
    except _ERRORS as error:
        return _reason(error)
    return "the payload fits"


def decode_payload(record: bytes, kind: type[_Struct]) -> _Struct | None:
    """Decode the payload of a rare event as its own struct.

    Args:
        record: the whole record, an object with ``data``.
        kind: the struct of the event.

    Returns:
        The payload; None where it was lost (null, or the trace object alone).

    Raises:
        Malformed: where the payload has wrong types.
    """
    try:
        data = bytes(_read(_RARE.decode, record).data)
        pair = _read(_PAIR.decode, data) if data[:1] == b"[" else [data]
        for part in map(bytes, reversed(pair)):
            if part[:1] == b"{" and not is_trace(part):
                return _read(_decoder(kind).decode, part)
    except _ERRORS as error:
        raise Malformed(_reason(error)) from None
    return None


def decode_object(record: bytes, kind: type[_Struct]) -> _Struct:
    """Decode a record that is the payload itself (a button record of the event store).

    Raises:
        Malformed: where it is broken or has wrong types.
    """
    try:
        return _read(_decoder(kind).decode, record)
    except _ERRORS as error:
        raise Malformed(_reason(error)) from None


class _Trace(msgspec.Struct, gc=False):
    trace: bool | None = msgspec.field(default=None, name="__trace")


def is_trace(part: bytes) -> bool:
    """Whether an object is a trace (`{"__trace": true, ...}`) rather than a payload."""
    return _read(_decoder(_Trace).decode, part).trace is not None


def _decoder(kind: type[_Struct]) -> msgspec.json.Decoder[_Struct]:
    """The decoder of a struct; making one costs as much as decoding a payload."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    return decoder


def decode_entry(entry: msgspec.Raw) -> PlayerEntry | None:
    """Decode an own `leaderboardEntry`; None where it is absent or null."""
    if len(memoryview(entry)) == 0 or bytes(entry) == b"null":
        return None
    try:
        return _read(_ENTRY.decode, entry)
    except _ERRORS as error:
        raise Malformed(_reason(error)) from None


def decode_entries(leaderboard: bytes) -> list[PlayerEntry]:
    """Decode a whole leaderboard; empty where there is none."""
    if leaderboard in (b"", b"null"):
        return []
    try:
        return _read(_ENTRIES.decode, leaderboard)
    except _ERRORS as error:
        raise Malformed(_reason(error)) from None


def decode_prices(prices: msgspec.Raw) -> list[float] | None:
    """The price curve of a finished game; None where it is absent."""
    if len(memoryview(prices)) == 0 or bytes(prices) == b"null":
        return None
    try:
        return _read(_PRICES.decode, prices)
    except _ERRORS as error:
        raise Malformed(_reason(error)) from None


def objects_in(text: str) -> Iterator[tuple[int, int]]:
    """Where complete JSON objects that could be records stand in a broken line.

    Only objects that begin with a key of a record are tried, and the work is bounded to a multiple
    of the line's length, so that a line that is broken on purpose costs no more than its bytes.

    Args:
        text: the line.

    Yields:
        Offsets (start, end).
    """
    work = _SEARCH_FACTOR * len(text)
    candidate = _FIRST_KEY.search(text)
    while candidate is not None and work >= 0:
        start = candidate.start()
        end, parsed = _object_at(text, start)
        if end is None:
            work -= parsed
        else:
            yield start, end
        candidate = _FIRST_KEY.search(text, end or start + 1)


def _object_at(text: str, start: int) -> tuple[int | None, int]:
    """Where the object that begins here ends (None: it is none), and how much was parsed for it.

    It is parsed in a piece that grows: an error counts the lines ahead of it from the beginning of
    what was given, which of a whole line a thousand times over is the square of its length.
    """
    size = _FIRST_LOOK
    while True:
        piece = text[start : start + size]
        try:
            return start + _STDLIB.raw_decode(piece)[1], len(piece)
        except json.JSONDecodeError as error:
            is_open = error.msg.startswith("Unterminated string")
            if start + size >= len(text) or (
                not is_open and error.pos + _LONGEST_WORD < len(piece)
            ):
                return None, len(piece) if is_open else error.pos
        except (ValueError, RecursionError):
            return None, len(piece)
        size *= 8


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)

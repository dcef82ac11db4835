r"""Lone surrogates: halves of a character that a sender cut in the middle of an emoji.

In: JSON text, or values out of it. Out: the same with U+FFFD for every half without its other one.
JavaScript counts an emoji as two, so a name that it cuts short may end in half of one, which
``JSON.stringify`` writes as an escape (``\ud83d``). That is JSON, but no character, and the decoder
refuses the whole record; nothing that is stored can hold one either. Used by ``protocol`` and
``live`` only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_ESCAPE = re.compile(
    rb"\\u[dD](?:[89abAB][0-9a-fA-F]{2}(?P<low>\\u[dD][c-fC-F][0-9a-fA-F]{2})?+"
    rb"|[c-fC-F][0-9a-fA-F]{2})"
)
"""A half, and the other one behind it; it begins with what a plain search finds."""

_UNKNOWN = b"\\ufffd"


def whole_characters(text: bytes | memoryview) -> bytes | None:
    """JSON text in which every escape of a lone surrogate is one of U+FFFD.

    Both escapes have six bytes, so whatever stands in the text stays where it stands.

    Args:
        text: one record or many.

    Returns:
        The text; None where it has no such escape.
    """
    whole = bytes(text)
    mended = _ESCAPE.sub(_mended, whole)
    return None if mended == whole else mended


def _mended(escape: re.Match[bytes]) -> bytes:
    text, start = escape.string, escape.start()
    before = start
    while before and text[before - 1] == ord("\\"):
        before -= 1
    if (start - before) % 2:  # the backslash is itself escaped: what looks like a half is text
        return escape[0] if escape["low"] is None else escape[0][:6] + _UNKNOWN
    return _UNKNOWN if escape["low"] is None else escape[0]


def without_surrogates(value: Any) -> Any:
    """A value with U+FFFD for every lone surrogate in its texts, and in those of what it holds."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Mapping):
        return {without_surrogates(key): without_surrogates(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [without_surrogates(held) for held in value]
    return value

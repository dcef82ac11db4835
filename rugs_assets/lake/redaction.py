"""Redaction: a rejected piece of input as it may be stored (design.md 8).

In: the bytes that were rejected. Out: their text without names, chat and raw player ids. Ids become
the same pseudonyms as everywhere, so that a rejected record can still be told apart. What was
broken can't be parsed, so this works on the text, and on text inside of text (escaped quotes).
"""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST_RAW_TEXT = 65_536

_VALUE = (
    r'(?P<key>(?P<q>(?<!\\)\\*+")(?:{keys})(?P=q)\s*:\s*)(?P=q)(?P<value>.*?)(?:(?<!\\)(?P=q)|\Z)'
)
_NAMES = "username|displayName|display_name|name|message|text|content|bio|email|avatar"
_IDS = "playerId|player_id|userId|user_id|id|from|to|sender|author"
_SAID = re.compile(_VALUE.format(keys=_NAMES), re.DOTALL)
_ID = re.compile(_VALUE.format(keys=_IDS), re.DOTALL)
_PLAYER = re.compile(r"did:[a-z]+:[0-9A-Za-z_-]+")
_CUT_KEY = re.compile(r'\s*(?P<key>\w{1,20})\\*"\s*:\s*\\*"(?P<value>[^"\\]*)')
_CUT_VALUE = re.compile(r'[^"{}\[\]:\\]*+(?=\\*"\s*[,}\]])')
_PUBLIC_ID = re.compile(
    r"\d{8}-[0-9a-f]{16}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|p-[0-9a-f]{16}"
)
"""Games, trades, and what is a pseudonym already."""


def redacted(raw: bytes, pseudonym: Callable[[str], str]) -> str:
    """A rejected text as it may be stored: names and chat removed, player ids as pseudonyms.

    Args:
        raw: the bytes; of a long piece only the beginning is kept.
        pseudonym: player id -> keyed pseudonym.
    """
    text = raw[:LONGEST_RAW_TEXT].decode("utf-8", "backslashreplace")
    text = _without_cut_value(text)
    if ":" not in text:  # neither a key nor a player id: noise is a hundred times as fast
        return text
    text = _PLAYER.sub(lambda found: pseudonym(found.group()), text)
    text = _SAID.sub(lambda found: f"{found['key']}{found['q']}[removed]{found['q']}", text)
    return _ID.sub(lambda found: _public(found, pseudonym), text)


def _without_cut_value(text: str) -> str:
    """Remove a value that the text begins within, and one whose key it begins within."""
    if found := _CUT_VALUE.match(text):
        return "[removed]" + text[found.end() :] if found.group() else text
    found = _CUT_KEY.match(text)
    if found and any(key.endswith(found["key"]) for key in f"{_NAMES}|{_IDS}".split("|")):
        return text[: found.start("value")] + "[removed]" + text[found.end("value") :]
    return text


def _public(found: re.Match[str], pseudonym: Callable[[str], str]) -> str:
    value = found["value"]
    if not value or _PUBLIC_ID.fullmatch(value):
        return found.group()
    return f"{found['key']}{found['q']}{pseudonym(value)}{found['q']}"

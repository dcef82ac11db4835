"""Seen history: the finished games that a full frame shows again, cut out before it is decoded.

In: the lines of full frames, in the order of the file. Out: the same lines with every entry of
``gameHistory`` that stood there byte for byte before replaced by `{"id": ...}`.
A full frame repeats nine of its ten games, half a megabyte, and of a game only the first mention
counts; comparing bytes costs a tenth of decoding them. Invariants: an entry is known only when it
was decoded by itself and is whole; what replaces it begins as it does, so that a line which is no
JSON stays none, wherever in it the bytes stand. Memory: the entries of about one frame.
"""

from __future__ import annotations

import re
from itertools import islice, pairwise

import msgspec

from rugs_assets.domain.envelopes import Envelope, HistoryEntry, Payload

LARGE_LINE = 16_384
"""Lines with fewer bytes are not looked at: a finished game alone has more."""

_MOST_GAMES, _MOST_BYTES = 12, 8 << 20
_MOST_STEPS = 2 * _MOST_GAMES
"""Places of a line that are compared; real frames show ten games."""
_TELLING = 64  # bytes of an entry that are searched for: its id and more
_KEY = b'"gameHistory"'
_OPENING = re.compile(rb"\s*:\s*\[\s*")
_HEAD = re.compile(rb'\{\s*"id"\s*:\s*"([^"\\]{1,64})"')
_ENTRY = msgspec.json.Decoder(HistoryEntry)


class SeenHistory:
    """The entries of the last full frame; `reduce` lines, and `learn` from what they decoded to."""

    def __init__(self) -> None:
        self._known: dict[bytes, bytes] = {}

    def reduce(self, line: bytes) -> bytes:
        """The line without what it repeats; the line itself where it repeats nothing."""
        begin = _begin_of_history(line) if self._known else None
        if begin is None:
            return line
        parts: list[bytes] = []
        kept, at = 0, begin
        # Each step may search the rest of the line; a frame that is none would have no end of them.
        for _ in range(_MOST_STEPS):
            if (head := self._next(line, at)) is None:
                break
            entry = self._known.get(head[1])
            if entry is None or not line.startswith(entry, head.start()):
                at = head.end()
                continue
            parts += line[kept : head.end()], b"}"
            kept = at = head.start() + len(entry)
        return b"".join([*parts, line[kept:]]) if parts else line

    def _next(self, line: bytes, at: int) -> re.Match[bytes] | None:
        """The next known entry: right here behind a comma, or wherever one is found."""
        if line[at : at + 1] == b"]":
            return None
        head = _HEAD.match(line, at) or _HEAD.match(line, at + 1) or _HEAD.match(line, at + 2)
        if head is not None and head[1] in self._known:
            return head
        # They stand in order, so the first one that is found is the next.
        places = (line.find(entry[:_TELLING], at) for entry in self._known.values())
        first = next((place for place in places if place >= 0), -1)
        return None if first < 0 else _HEAD.match(line, first)

    def learn(self, line: bytes, envelope: Envelope) -> None:
        """Remember the entries of a full frame, given its whole line and what it decoded to."""
        data = envelope.data
        payload = data[-1] if isinstance(data, list) and data else data
        if not isinstance(payload, Payload) or not payload.game_history:
            return
        shown = [game.id.encode() for game in payload.game_history]
        if all(game in self._known for game in shown):
            return
        known: dict[bytes, bytes] = {}
        for (game, at), (_, end) in pairwise(_heads(line, shown)):
            # Of the last one the end does not show; it was seen before it was the last, or never.
            entry = self._known.get(game)
            if entry is None or not line.startswith(entry, at):
                entry = line[at:end].rstrip(b", ")
                if not _is_whole(entry, game):
                    continue
            known[game] = entry
        # At a rug, frames with and without the newest game may take turns.
        known |= {game: entry for game, entry in self._known.items() if game not in known}
        self._known = dict(islice(known.items(), _MOST_GAMES))
        if sum(map(len, self._known.values())) > _MOST_BYTES:
            self._known = {}


def _begin_of_history(line: bytes) -> int | None:
    """Where the first entry begins; a plain search outruns that for an expression."""
    at = line.find(_KEY)
    opening = _OPENING.match(line, at + len(_KEY)) if at >= 0 else None
    return None if opening is None else opening.end()


def _heads(line: bytes, games: list[bytes]) -> list[tuple[bytes, int]]:
    """Where the entries of these games begin: (id, offset), in their order."""
    found: list[tuple[bytes, int]] = []
    at = _begin_of_history(line) or 0
    first = _HEAD.match(line, at)
    opening = b"" if first is None else line[at : first.start(1)]
    for game in games:
        at = line.find(b'%b%b"' % (opening, game), at) if opening else -1
        if at < 0:
            break
        found.append((game, at))
    return found


def _is_whole(text: bytes, game_id: bytes) -> bool:
    """Whether a text is an entry, and nothing but one."""
    try:
        return _ENTRY.decode(text).id.encode() == game_id
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False

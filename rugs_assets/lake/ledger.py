"""The ledger: what the capture folder held when it was last decoded, date by date.

Which dates a capture holds cannot be told before it is decoded: its name and its clock may say
anything, what counts are the games in it. So decoding is a run of its own; it leaves this small
file beside the decoded captures, and whoever decides what is to be done (sensor, schedules) reads
the ledger and opens no capture.

In: an inventory and the listing it was made from. Out: for each date the digest that
`raw_ws_events` would be stored with, and what stands in its way. Invariants: a date's entry is that
of the last ledger while nothing it may rest on has changed, so that a new file costs its own dates;
the file appears whole or not at all. A ledger that is lost or unreadable is made anew.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from threading import get_ident

import msgspec

from rugs_assets.domain.event_rows import game_date
from rugs_assets.domain.zones import NO_ZONES, Zones
from rugs_assets.lake.decoded import DECODER_VERSION
from rugs_assets.lake.inventory import Inventory, UnreadableCapture
from rugs_assets.lake.listing import Listing

_FILE = "ledger-1.json"


class DateInput(msgspec.Struct, frozen=True):
    """What there is to make a date of.

    Attributes:
        digest: what `raw_ws_events` would be stored with; "" where `blocked`.
        basis: digest of everything that `digest` may depend on.
        growing: a capture with events of the date that is still written to, "" if none.
        growing_nearby: one that only reveals seeds of the date's games, "" if none.
        blocked: why the date cannot be made at all, "" if it can.
    """

    digest: str
    basis: str
    growing: str = ""
    growing_nearby: str = ""
    blocked: str = ""


class Ledger(msgspec.Struct, frozen=True):
    """What the capture folder holds.

    Attributes:
        made_by: the decoder, the key of the pseudonyms and the zones that were given; with others
            it is another ledger.
        serial: goes up with every ledger.
        listing: fingerprint of the files at rest that it was made from.
        captures: how many captures there were.
        nothing: the digest of a date that no capture holds.
        days: ISO date -> its input.
        unreadable: what cannot be opened, with the reason.
    """

    made_by: str
    serial: int
    listing: str
    captures: int
    nothing: str
    days: dict[str, DateInput]
    unreadable: tuple[str, ...] = ()

    def of(self, day: date) -> DateInput | None:
        """The input of a date; None where no capture holds it."""
        return self.days.get(day.isoformat())


def read_ledger(cache: Path, key_fingerprint: str, zones: Zones = NO_ZONES) -> Ledger | None:
    """The last ledger; None where there is none that this code, key and zones would make."""
    found = last_ledger(cache)
    return found if found and found.made_by == _made_by(key_fingerprint, zones) else None


def last_ledger(cache: Path) -> Ledger | None:
    """The last ledger, whatever it was made by; None where there is none."""
    try:
        return msgspec.json.decode((cache / _FILE).read_bytes(), type=Ledger)
    except (OSError, msgspec.MsgspecError):
        return None


def save_ledger(cache: Path, ledger: Ledger) -> None:
    """Keep a ledger for others to read."""
    cache.mkdir(parents=True, exist_ok=True)
    scratch = cache / f".{_FILE}-{os.getpid()}-{get_ident()}"
    try:
        scratch.write_bytes(msgspec.json.encode(ledger, order="sorted"))
        scratch.replace(cache / _FILE)
    finally:
        scratch.unlink(missing_ok=True)


def take_stock(inventory: Inventory, listing: Listing, before: Ledger | None) -> Ledger:
    """The ledger of an inventory.

    Args:
        inventory: what the folder holds, decoded.
        listing: the folder just before it was decoded; a file that appeared since is growing.
        before: the last ledger; entries that nothing has touched are taken over, unless it was
            made by other code, with another key or other zones.
    """
    at_rest = {file.path for file in listing.at_rest}
    near, nearby = _files_of_days(inventory)
    made_by = _made_by(inventory.fingerprint, inventory.zones)
    known = before.days if before is not None and before.made_by == made_by else {}
    days = {}
    for day in inventory.days:
        own, around = near.get(day, {}), nearby.get(day, {})
        basis = _digest_of({**around, **own})
        entry = known.get(day.isoformat())
        blocked, digest = "", ""
        try:
            found = inventory.select(day)
            kept = entry.digest if entry is not None and entry.basis == basis else ""
            digest = kept or found.input_digest
        except UnreadableCapture as error:
            blocked = str(error)
        days[day.isoformat()] = DateInput(
            digest=digest,
            basis=basis,
            growing=min(own.keys() - at_rest, default=""),
            growing_nearby=min(around.keys() - at_rest, default=""),
            blocked=blocked,
        )
    return Ledger(
        made_by=made_by,
        serial=before.serial + 1 if before is not None else 1,
        listing=listing.fingerprint,
        captures=len(inventory.files),
        nothing=Inventory([], [], inventory.default_day, inventory.fingerprint)
        .select(inventory.default_day)
        .input_digest,
        days=days,
        unreadable=tuple(f"{file.path}: {file.problem}" for file in inventory.unreadable),
    )


def _files_of_days(
    inventory: Inventory,
) -> tuple[dict[date, dict[str, str]], dict[date, dict[str, str]]]:
    """For each date the files (path -> digest) with events of it, and those that may reveal seeds.

    One pass over the sessions, whatever the number of dates. More than a date rests on in the end,
    never less.
    """
    own: dict[date, dict[str, str]] = {}
    around: dict[date, dict[str, str]] = {}
    for source in inventory.sources.values():
        files: dict[str, str] = {}
        for unit, block in source.blocks:
            told = {file.path: file.digest for file in unit.summary.files}
            files |= told
            for day in _dates_of(block.facts.revealed):
                around.setdefault(day, {}).update(told)
        for day in source.session.days:
            own.setdefault(day, {}).update(files)
    digests = {file.path: file.digest for file in inventory.files}
    for day, rejects in inventory.rejects_by_day.items():
        for path in set().union(*(found.files for found in rejects)):
            own.setdefault(day, {})[path] = digests[path]
    return own, around


def _dates_of(games: Mapping[str, int]) -> Iterator[date]:
    """The dates of games, each once; most games of a block are of one date."""
    for prefix in {game[:9] for game in games}:
        day = game_date(prefix + "0" * 16)
        if day is not None:
            yield day


def _digest_of(files: Mapping[str, str]) -> str:
    lines = "\n".join(f"{path!r} {digest}" for path, digest in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()[:32]


def _made_by(key_fingerprint: str, zones: Zones) -> str:
    given = f", zones {zones}" if str(zones) else ""
    return f"decoder {DECODER_VERSION}, key {key_fingerprint}{given}"

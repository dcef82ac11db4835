"""Decoded captures: typed events of capture files, kept so that no file is decoded twice.

In: units of capture files. Out: for each its events and rejects as Parquet files and a summary,
decoded now or found in the cache.
Invariants: an entry is named by what it was made of and appears whole (rename of a finished file,
the summary last); two processes that decode the same unit write the same bytes; raw player ids and
the key never reach the disk.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from hmac import digest as hmac_digest
from io import FileIO
from pathlib import Path
from threading import get_ident

import msgspec
import xxhash

from rugs_assets.lake.errors import WriteFailed
from rugs_assets.lake.unit_writer import UnitWriter
from rugs_assets.lake.units import (
    EVENTS,
    REJECTS,
    SUMMARY,
    Summary,
    Unit,
    UnitPlan,
)

DECODER_VERSION = 6
"""Goes up with every change of what is read from a capture: older entries are not used."""

_SUMMARIES = msgspec.json.Decoder(Summary)


class Decoder:
    """Decodes units, or finds them decoded.

    Args:
        cache: the folder of the entries; made when needed.
        pseudonym_key: the key of the player pseudonyms.
    """

    def __init__(self, cache: Path, pseudonym_key: bytes) -> None:
        self._cache = cache
        self._key = pseudonym_key
        self._entries: dict[str, list[str]] = {}
        self._there: frozenset[str] = frozenset()
        self.fingerprint = hashlib.sha256(b"fingerprint" + pseudonym_key).hexdigest()[:16]

    def pseudonym(self, player_id: str) -> str:
        """The keyed pseudonym of a player id (HMAC-SHA-256, 16 hex digits)."""
        return "p-" + hmac_digest(self._key, player_id.encode(), "sha256").hex()[:16]

    def look(self) -> None:
        """Look at what the cache holds; once for many units, since it may hold many entries."""
        self._entries = {}
        with suppress(FileNotFoundError), os.scandir(self._cache) as found:
            self._there = frozenset(entry.name for entry in found)
        for name in sorted(self._there):
            stem, _, ending = name.rpartition(".")
            if f".{ending}" == SUMMARY and not name.startswith("."):
                self._entries.setdefault(stem.partition("-")[0], []).append(stem)

    def is_known(self, plan: UnitPlan) -> bool:
        """Whether there is an entry of these very files."""
        return self._name(plan) in self._entries

    def decode(self, plan: UnitPlan, own: dict[str, list[str]]) -> Unit:
        """The decoded unit; read from the cache where it is there.

        Args:
            plan: its files.
            own: session -> own player pseudonyms known so far; brought up to date.

        Raises:
            CaptureUnreadable: a file cannot be opened, or changed while it was read.
            WriteFailed: the cache cannot be written.
        """
        name = self._name(plan)
        for stem in self._entries.get(name, ()):
            unit = self._read(stem)
            if unit is not None and all(
                own.get(session, []) == known for session, known in unit.summary.own_before.items()
            ):
                own |= unit.summary.own_after
                return unit
        unit = self._decode(name, plan, own)
        own |= unit.summary.own_after
        return unit

    def _read(self, stem: str) -> Unit | None:
        """An entry; None where it is not whole (somebody cleaned up, or a disk lost it)."""
        if not {stem + EVENTS, stem + REJECTS} <= self._there:
            return None
        place = self._place(stem)
        try:
            # A year of captures has hundreds of entries, and every run reads all of them: no
            # buffer and no `Path` for files of a few hundred bytes.
            with FileIO(place + SUMMARY) as file:
                return Unit(_SUMMARIES.decode(file.readall()), place)
        except (OSError, msgspec.MsgspecError):
            return None

    def _name(self, plan: UnitPlan) -> str:
        made_of = [DECODER_VERSION, self.fingerprint] + [
            [file.path, file.size, file.mtime_ns] for file in plan.files
        ]
        return xxhash.xxh3_128_hexdigest(msgspec.json.encode(made_of))

    def _place(self, stem: str) -> str:
        return os.path.join(self._cache, stem)  # noqa: PTH118 - `Path` costs as much as the file

    def _decode(self, name: str, plan: UnitPlan, own: Mapping[str, list[str]]) -> Unit:
        scratch = self._cache / f".{name}-{os.getpid()}-{get_ident()}"
        events, rejects = scratch.with_suffix(".events"), scratch.with_suffix(".rejects")
        try:
            self._cache.mkdir(parents=True, exist_ok=True)
            with UnitWriter(events, rejects, self.pseudonym) as writer:
                summary = writer.write(plan, own)
            before = msgspec.json.encode(summary.own_before, order="deterministic")
            unit = Unit(summary, self._place(f"{name}-{xxhash.xxh3_64_hexdigest(before)}"))
            events.replace(unit.events)
            rejects.replace(unit.rejects)
            scratch.write_bytes(msgspec.json.encode(summary))
            scratch.replace(unit.place + SUMMARY)
        except OSError as error:
            raise WriteFailed(
                f"decoded captures cannot be kept in {self._cache}: {error}; make room or restore "
                "access (what lies there may be deleted at any time), then run it again"
            ) from error
        finally:
            for leftover in (events, rejects, scratch):
                with suppress(OSError):
                    leftover.unlink(missing_ok=True)
        return unit

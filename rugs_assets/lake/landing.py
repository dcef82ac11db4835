"""The landing: its captures, decoded once and kept.

In: a folder or bucket of captures in any of the three formats, compressed or not. Out: an
`Inventory` of what they hold. Invariants: a file is decoded when it is new or changed, and only
then. How a bucket comes to lie in a folder stands in ``bucket``, how files are found in
``capture_files``, how they are decoded and kept in ``decoded``, what dates are made of in
``inventory``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rugs_assets.domain.zones import NO_ZONES, Zones
from rugs_assets.lake.bucket import Bucket, Copied, is_url
from rugs_assets.lake.capture_files import find_captures
from rugs_assets.lake.capture_reading import CaptureUnreadable
from rugs_assets.lake.decoded import Decoder
from rugs_assets.lake.inventory import DayInput, Inventory, UnreadableCapture
from rugs_assets.lake.known_formats import KnownFormats
from rugs_assets.lake.units import Unit, plan_units

__all__ = ["DayInput", "Inventory", "Landing", "LandingProgress", "UnreadableCapture"]


@dataclass(frozen=True, slots=True)
class LandingProgress:
    """How far a refresh is: bytes of capture files decoded, and of those to decode."""

    done_bytes: int
    total_bytes: int
    file: str


class Landing:
    """A place of captures and the cache of what was decoded from it.

    Args:
        captures: the folder that is searched, recursively, or the URL of a bucket.
        cache: where decoded captures are kept (a local folder, made when needed).
        pseudonym_key: the key of the player pseudonyms.
        default_day: the date of input that names no date at all.
        zones: what was given of the recorders' clocks.
    """

    def __init__(
        self,
        captures: str | Path,
        cache: str | Path,
        pseudonym_key: bytes,
        *,
        default_day: date = date(2025, 10, 1),
        zones: Zones = NO_ZONES,
    ) -> None:
        self.captures = captures
        self._cache = Path(cache)
        self._decoder = Decoder(self._cache, pseudonym_key)
        self._default_day = default_day
        self._zones = zones

    def refresh(self, progress: Callable[[LandingProgress], None] | None = None) -> Inventory:
        """Look at the captures and decode what is new or changed.

        Args:
            progress: called after each file that had to be decoded.

        Raises:
            WriteFailed: the cache cannot be written.
            CapturesRefused, CapturesUnreached: a bucket cannot be read, or not now.
        """
        place = self._place()
        formats = KnownFormats(self._cache)
        found = [*find_captures(place.folder, formats), *place.refused]
        formats.save()
        self._decoder.look()
        plans = [(plan, self._decoder.is_known(plan)) for plan in plan_units(found)]
        total = sum(file.size for plan, known in plans if not known for file in plan.files)
        units: list[Unit] = []
        own: dict[str, list[str]] = {}
        done = 0
        for plan, known in plans:
            try:
                units.append(self._decoder.decode(plan, own))
            except CaptureUnreadable as error:
                # The dates that the file may hold are refused by its name; others go on.
                found = [error.file if file.path == error.file.path else file for file in found]
            if not known:
                done += sum(file.size for file in plan.files)
                if progress is not None:
                    progress(LandingProgress(done, total, plan.files[-1].path))
        fingerprint = self._decoder.fingerprint
        return Inventory(units, found, self._default_day, fingerprint, self._zones)

    def _place(self) -> Copied:
        """The folder to read: that of the captures, or the copy of a bucket, brought up to date."""
        if is_url(self.captures):
            return Bucket(str(self.captures)).copied(self._cache)
        return Copied(Path(self.captures))

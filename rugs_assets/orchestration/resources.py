"""What assets are handed: the capture folder and the store, with the places they lie at.

The values show in the UI; the pseudonym key never passes through here as a value.
"""

from datetime import date
from pathlib import Path
from typing import Self

import dagster as dg
from dagster import ConfigurableResource
from pydantic import Field, PrivateAttr

from rugs_assets.domain.zones import UTC_ZONE, Zones
from rugs_assets.lake.catalog import TABLES
from rugs_assets.lake.decoded import Decoder
from rugs_assets.lake.landing import Inventory, Landing
from rugs_assets.lake.ledger import Ledger, last_ledger, read_ledger
from rugs_assets.lake.tables import Lake
from rugs_assets.settings import Settings


class CapturesResource(ConfigurableResource[Landing]):
    """The place that recorders write to, and the decoded copy of what lies in it."""

    folder: str = Field(description="Folder or URL searched for captures; formats told by content.")
    cache: str = Field(description="Folder of the decoded captures; may be deleted at any time.")
    first_date: str = Field(description="The date of input that names no date at all.")
    default_zone: str = Field(
        default=UTC_ZONE,
        description="Zone of recorders whose time stamps do not say it, assumed where nothing in"
        " their captures tells: hours and minutes ahead of UTC, such as -05:00.",
    )
    zones: dict[str, str] = Field(
        default={},
        description="Session (a name, or a pattern with * and ?) -> zone of its clock, whatever its"
        " captures tell. Sensor and schedules go by RUGS_ZONES and RUGS_DEFAULT_ZONE: what is"
        " changed here alone holds for one run, and they make the date anew.",
    )
    _seen: Inventory | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The folders of the settings."""
        return cls(
            folder=settings.captures,
            cache=str(settings.landing_cache),
            first_date=settings.start_date.isoformat(),
            default_zone=settings.zones.default,
            zones=dict(settings.zones.given),
        )

    def open(self) -> Landing:
        """The landing, with the key that makes player ids into pseudonyms."""
        key = Settings.from_environment().pseudonym_key()
        first = date.fromisoformat(self.first_date)
        return Landing(self.folder, self.cache, key, default_day=first, zones=self._given())

    def look(self) -> Inventory:
        """What the captures hold now, decoded where they are new."""
        self._seen = self.open().refresh()
        return self._seen

    def seen(self) -> Inventory:
        """What the captures held when this run first looked: a run sees them at one moment.

        A recorder may write on meanwhile. Rows and the checks of the same run must rest on the same
        captures; the next run looks anew.
        """
        return self.look() if self._seen is None else self._seen

    def ledger(self) -> Ledger | None:
        """What the captures held, date by date, when they were last decoded as a whole."""
        key = Settings.from_environment().pseudonym_key()
        cache = Path(self.cache)
        return read_ledger(cache, Decoder(cache, key).fingerprint, self._given())

    def last_ledger(self) -> Ledger | None:
        """The same, also where it was made by other code, with another key or other zones."""
        return last_ledger(Path(self.cache))

    def _given(self) -> Zones:
        """What was given of the recorders' clocks.

        Raises:
            Failure: It is no zone; trying again helps nothing.
        """
        try:
            return Zones(self.default_zone, self.zones)
        except ValueError as error:
            raise dg.Failure(f"resource captures: {error}", allow_retries=False) from error


class LakeResource(ConfigurableResource[Lake]):
    """The Delta tables."""

    root: str = Field(description="Folder or URL of the tables, one folder below it a table.")
    _lake: Lake | None = PrivateAttr(default=None)

    def open(self) -> Lake:
        """The store, with every table of the catalog made; the same for all ops of a run.

        It remembers what it read of the logs, so that a run reads each of them once.
        """
        if self._lake is None:
            self._lake = Lake(self.root)
        self._lake.ensure(*TABLES)
        return self._lake

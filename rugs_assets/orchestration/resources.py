"""What assets are handed: the capture folder and the store, with the places they lie at.

The values show in the UI; the pseudonym key never passes through here as a value.
"""

from datetime import date
from pathlib import Path
from typing import Self

from dagster import ConfigurableResource
from pydantic import Field, PrivateAttr

from rugs_assets.lake.catalog import TABLES
from rugs_assets.lake.decoded import Decoder
from rugs_assets.lake.landing import Inventory, Landing
from rugs_assets.lake.ledger import Ledger, read_ledger
from rugs_assets.lake.tables import Lake
from rugs_assets.settings import Settings


class CapturesResource(ConfigurableResource[Landing]):
    """The folder that recorders write to, and the decoded copy of what lies in it."""

    folder: str = Field(description="Folder searched for capture files; formats told by content.")
    cache: str = Field(description="Folder of the decoded captures; may be deleted at any time.")
    first_date: str = Field(description="The date of input that names no date at all.")
    _seen: Inventory | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The folders of the settings."""
        return cls(
            folder=str(settings.captures),
            cache=str(settings.landing_cache),
            first_date=settings.start_date.isoformat(),
        )

    def open(self) -> Landing:
        """The landing, with the key that makes player ids into pseudonyms."""
        key = Settings.from_environment().pseudonym_key()
        first = date.fromisoformat(self.first_date)
        return Landing(self.folder, self.cache, key, default_day=first)

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
        return read_ledger(cache, Decoder(cache, key).fingerprint)


class LakeResource(ConfigurableResource[Lake]):
    """The Delta tables."""

    root: str = Field(description="Folder or URL of the tables, one folder below it a table.")

    def open(self) -> Lake:
        """The store, with every table of the catalog made."""
        lake = Lake(self.root)
        lake.ensure(*TABLES)
        return lake

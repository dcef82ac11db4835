"""The settings of a machine: where captures lie, where the store goes, which date is the first.

This is the only module that reads the environment. A `Settings` is a plain frozen value, so that
tests and other programs make one without touching `os.environ`. What a user tunes per run
(min_ticks, tolerance, ...) is Dagster config of `rugs_assets.orchestration`, not a setting.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from rugs_assets.domain.zones import NO_ZONES, UTC_ZONE, Zones, read_zones

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+://")
_KEY_BYTES = 32


class SettingsError(Exception):
    """A variable of the environment holds what it may not; the message names the variable."""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the environment.

    Attributes:
        meaning: In words, for the documentation.
        default: What counts when it is not set or empty.
        told: The default in words, where it is no value.
    """

    meaning: str
    default: str = ""
    told: str = ""


VARIABLES: dict[str, Variable] = {
    "RUGS_CAPTURES": Variable(
        "folder, or URL of a bucket (`s3://...`), that is searched for captures, with everything"
        " below it; formats are told by content",
        "data/captures",
    ),
    "RUGS_STORE": Variable("folder or URL of the tables", "data/store"),
    "RUGS_START_DATE": Variable("first date (UTC)", "2025-10-01"),
    "RUGS_SETTLE_SECONDS": Variable(
        "a capture counts as whole when nobody has written to it for this long", "60"
    ),
    "RUGS_DEFAULT_ZONE": Variable(
        "zone of recorders whose time stamps do not say it, assumed where nothing in a capture"
        " tells; hours and minutes ahead of UTC",
        UTC_ZONE,
    ),
    "RUGS_ZONES": Variable(
        "zones of single recorders, whatever their captures tell: `session=zone`, with commas in"
        " between; `*` and `?` stand for any text and sign, as in `upstairs/*=-05:00`",
        told="none",
    ),
    "RUGS_PSEUDONYM_KEY": Variable(
        "key that turns player ids into pseudonyms",
        told="made at first use in `data/pseudonym.key`",
    ),
    "DAGSTER_HOME": Variable(
        "where `dagster.yaml` lies; Dagster's databases are under `data/dagster` there",
        ".",
        told="the project root",
    ),
}
"""Every variable that `Settings` is read from."""

READ_BY_OTHERS: dict[str, Variable] = {
    "RUGS_DAGSTER_POSTGRES_URL": Variable(
        "read by Dagster, where `dagster.yaml` names it: the URL of its Postgres databases",
        told="none: sqlite",
    ),
    "ARROW_DEFAULT_MEMORY_POOL": Variable(
        "read by Arrow when it is first imported: what it allocates with",
        told="`system` in the processes that run assets, elsewhere Arrow's own choice",
    ),
}
"""Variables that a user may set here and that are not read by this package."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that the environment decides.

    Attributes:
        home: Folder that relative paths start from: the checkout, or else the working folder.
        captures: Folder or URL (`s3://...`) that is searched for capture files.
        store: Folder or URL (`s3://...`) of the Delta tables.
        start_date: First date of the partitions.
        dagster_home: Where dagster.yaml lies and, under `data/dagster`, Dagster's databases.
        settle_seconds: A capture counts as whole when nobody has written to it for this long.
        zones: What was given of the recorders' clocks.
        dagster_home_text: `DAGSTER_HOME` as given; Dagster itself refuses a relative one.
        pseudonym_key_text: The key for player pseudonyms as given; None: `pseudonym_key_file`.
    """

    home: Path
    captures: str
    store: str
    start_date: date
    dagster_home: Path
    dagster_home_text: str | None = None
    settle_seconds: float = 60.0
    zones: Zones = NO_ZONES
    pseudonym_key_text: str | None = field(default=None, repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; an empty variable counts as one that is not set.

        Raises:
            SettingsError: `RUGS_START_DATE` is not an ISO date, `RUGS_SETTLE_SECONDS` no number,
                a zone is none, or a URL holds a password.
        """
        given = os.environ if environ is None else environ
        found = {name: given.get(name) or known.default for name, known in VARIABLES.items()}
        home = _project_root()
        try:
            start_date = date.fromisoformat(found["RUGS_START_DATE"])
        except ValueError:
            raise SettingsError(
                f"RUGS_START_DATE is {found['RUGS_START_DATE']!r};"
                " it must be a date such as 2025-10-01"
            ) from None
        return cls(
            home=home,
            captures=_path_or_url(found, "RUGS_CAPTURES", home),
            store=_path_or_url(found, "RUGS_STORE", home),
            start_date=start_date,
            dagster_home=home / Path(found["DAGSTER_HOME"]).expanduser(),
            settle_seconds=_seconds(found, "RUGS_SETTLE_SECONDS"),
            zones=_zones(found),
            dagster_home_text=given.get("DAGSTER_HOME") or None,
            pseudonym_key_text=found["RUGS_PSEUDONYM_KEY"] or None,
        )

    @property
    def pseudonym_key_file(self) -> Path:
        """Where the key is kept that is made at first use; outside of the store on purpose."""
        return self.home / "data" / "pseudonym.key"

    @property
    def landing_cache(self) -> Path:
        """Local folder of the decoded captures (a store on a URL still decodes to local disk)."""
        if _URL.match(self.store):
            return self.home / "data" / "landing"
        return Path(self.store) / "_landing"

    def pseudonym_key(self) -> bytes:
        """The key that turns player ids into pseudonyms, made and kept at first use.

        Returns:
            The bytes of `RUGS_PSEUDONYM_KEY`, or else those of `pseudonym_key_file`.

        Raises:
            SettingsError: The key file is empty, or open to others and not ours to close.
        """
        if self.pseudonym_key_text is not None:
            return self.pseudonym_key_text.encode()
        _create_key(self.pseudonym_key_file)
        _keep_private(self.pseudonym_key_file)
        key = self.pseudonym_key_file.read_bytes().strip()
        if not key:
            raise SettingsError(
                f"{self.pseudonym_key_file} is empty; put the key back from a backup, or delete"
                " the file and materialize every date anew"
            )
        return key


def _seconds(found: Mapping[str, str], variable: str) -> float:
    """A time span.

    Raises:
        SettingsError: It is no number of seconds from 0 up.
    """
    text = found[variable]
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        raise SettingsError(f"{variable} is {text!r}; it must be a number of seconds such as 60")
    return seconds


def _zones(found: Mapping[str, str]) -> Zones:
    """The clocks of the recorders.

    Raises:
        SettingsError: A zone is none, or no session is named for it.
    """
    variable = "RUGS_DEFAULT_ZONE"
    try:
        default = Zones(found[variable]).default
        variable = "RUGS_ZONES"
        return Zones(default, read_zones(found[variable]))
    except ValueError as error:
        raise SettingsError(f"{variable}: {error}") from None


def _keep_private(path: Path) -> None:
    """Let nobody but the owner read the key: a backup that was put back may have other modes."""
    if not path.stat().st_mode & 0o077:
        return
    try:
        path.chmod(0o600)
    except PermissionError:
        raise SettingsError(
            f"{path} can be read by others and belongs to somebody else; run as its owner, or:"
            f" chmod 600 {path}"
        ) from None


def _create_key(path: Path) -> None:
    """Write a new key unless one is there: whole or not at all, also with several processes."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(secrets.token_hex(_KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())  # pseudonyms made with it may outlive a power cut
    try:
        os.link(draft, path)  # fails where another process was first: its key is the one to use
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _project_root() -> Path:
    """The checkout that this file belongs to, or the working folder of an installed package."""
    root = Path(__file__).resolve().parent.parent
    return root if (root / "pyproject.toml").is_file() else Path.cwd()


def _path_or_url(found: Mapping[str, str], variable: str, home: Path) -> str:
    """A place: settings are shown in the UI and in messages, so none may hold a secret.

    Raises:
        SettingsError: It is a URL with a user or password in it.
    """
    text = found[variable]
    if not _URL.match(text):
        return str(home / Path(text).expanduser())
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise SettingsError(
            f"{variable} is a URL with credentials in it, which would be shown to whoever looks;"
            " give them as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )
    return text

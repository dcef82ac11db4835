"""The reference page of the release format, made from the code that writes and reads it.

In: the declarations of the lake. Out: Markdown. Belongs here: that one page. Goes elsewhere: the
other pages (`reference`), how releases are used (docs/how-to/releases.md).
"""

from __future__ import annotations

from collections.abc import Mapping

from rugs_assets.lake.catalog import TRAINING_SHARDS
from rugs_assets.lake.date_rules import RULES
from rugs_assets.lake.episode_index import FIELDS
from rugs_assets.lake.release_filters import OPERATORS
from rugs_assets.lake.release_manifest import CONTENT, FORMAT, INDEX, MANIFEST
from rugs_assets.lake.steps import EXTRAS, dtype_of
from rugs_assets.lake.transitions import KEYS
from rugs_assets.markdown import page, table

_FILES = f"""\
```
releases/<name>/
  {MANIFEST}
  {INDEX}
  {TRAINING_SHARDS.name}/capture_date=<date>/part-<n>-<digest>.parquet
```

The files of steps are those of the table, as hard links (copies where the file system knows none):
a release needs no space while the table holds the same rows, and keeps its own when they are
replaced, vacuumed or deleted. The folder can be copied to another store as it is. It appears under
its name by one rename, after everything in it was made durable: no reader sees half of it. It is
never changed."""

_MANIFEST = f"""\
JSON, format {FORMAT}, keys sorted. A reader refuses a newer format, and any file that is not byte
for byte what the writer would have made of its values."""

_KEYS = {
    "format": "version of this form",
    "name": "name of the release",
    "content": "what a training run depends on, see below; no clock, path, run or table version",
    "checksum": "sha256 of `content` as compact JSON with sorted keys: equal for the same rows,"
    " features, filters and rules in any store. This is what a training run cites",
    "storage.tables": "table -> version that the release rests on; vacuum keeps them",
    "storage.evidence": "table -> date -> content digest of the rows that the rules were judged on",
    "storage.files": "every other file in order: `path`, `bytes`, `sha256` of all its bytes,"
    " `rows`, `day` (null: the index)",
    "seal": "sha256 of all of the above: one flipped byte is found when the manifest is read",
}
_INDEX = """\
One row an episode, in the order of the steps, so that opening a release decodes no text of any
step. `rows` are its decisions and the row behind the last one."""

_CONDITIONS = f"""\
`--where` takes COLUMN OPERATOR VALUE with a column of [`episodes`](tables.md#episodes) and one of
{" ".join(f"`{each}`" for each in OPERATORS)}. All must hold; a column that is null meets none.
Conditions choose whole episodes."""

_RULES = """\
Judged anew on exactly the rows that the release names. A date that breaks one that blocks is
refused; of the others `checks` says how often they are broken."""

_OPENING = """\
Opening into RAM compares every byte with its sha256 as it reads it; from the cache it reads and
compares the files of the release and those of the cache. `verify=False` leaves sizes, the seal and
the index."""


def releases_page() -> str:
    """The files of a release, its manifest, its rules, and what the loader makes of it."""
    parts = {
        "Files": _FILES,
        MANIFEST: f"{_MANIFEST}\n\n{_meanings(_KEYS)}",
        "content": _meanings(CONTENT),
        INDEX: f"{_INDEX}\n\n"
        + table(("column", "type"), ((f"`{each.name}`", each.type) for each in FIELDS)),
        "Conditions": _CONDITIONS,
        "Rules": f"{_RULES}\n\n{_rules()}",
        "A batch": f"{_OPENING}\n\n{_batch()}",
    }
    about = "What lies in `<store>/releases/<name>` and what a loader makes of it."
    body = "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())
    return page("Releases", about, body)


def _meanings(said: Mapping[str, str]) -> str:
    return table(("key", "meaning"), ((f"`{key}`", meaning) for key, meaning in said.items()))


def _rules() -> str:
    rows = (
        (f"`{name}`", f"`{rule.name}`", "yes" if rule.blocking else "", rule.description)
        for name, rules in RULES.items()
        for rule in rules
    )
    return table(("table", "rule", "blocks", "promise"), rows)


def _batch() -> str:
    rows = [
        ("`observations`", "float32 (B, 36)", "always"),
        ("`next_observations`", "float32 (B, 36)", "always"),
        *(
            (f"`{name}`", f"{'int64' if column == 'action' else dtype_of(column)} (B,)", "always")
            for column, name in KEYS.items()
        ),
        ("`discounts`", "float32 (B,)", "with `discount`: weight of the next observation's value"),
        ("`masks`", "bool (B, length)", "in `sequences`: false behind the end of the episode"),
        *((f"`{name}`", f"{dtype_of(name)} (B,)", "in `columns`") for name in EXTRAS),
    ]
    return table(("array", "type and shape", "when"), rows)

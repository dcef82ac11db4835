"""The text of a table's log: which commits there are, and what each says of itself.

Read as what it is, JSON lines: `DeltaTable.history` returns nothing at a version with a checkpoint.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

from rugs_assets.lake.specs import DATE_COLUMN, LogEntry, TableSpec
from rugs_assets.lake.storage import Store


def commit_names(store: Store, spec: TableSpec) -> list[str]:
    """Names of the commits of the log."""
    names = store.names(spec.name, "_delta_log")
    return [name for name in names if len(name) == 25 and name.endswith(".json")]


def entry_of(version: int, text: bytes) -> LogEntry:
    """What a commit says of itself."""
    actions = [json.loads(line) for line in text.splitlines() if line.strip()]
    info: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
    day = info.get(DATE_COLUMN)
    return LogEntry(
        version=version,
        at=datetime.fromtimestamp(info.get("timestamp", 0) / 1000, tz=UTC),
        operation="REPLACE DATE" if day else str(info.get("operation", "UNKNOWN")),
        day=date.fromisoformat(day) if day else None,
        rows=info.get("rows"),
        run_id=info.get("run_id"),
        code_version=info.get("code_version"),
        schema_version=info.get("schema_version"),
        input_digest=info.get("input_digest"),
        content_digest=info.get("content_digest"),
        checksums=tuple(sorted(info.get("checksums", {}).items())),
    )

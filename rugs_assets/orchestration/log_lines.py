"""The log of a run as JSON lines, for whoever collects logs: one object a line, with flat names.

Named by the block `python_logs` of dagster.yaml, which Dagster applies to every run of every
process. (Dagster's own JSON logger writes each event with all its internals: a hundred fields, none
of them the date.) What the daemon and the webserver say of themselves comes as JSON with
`dagster dev --log-format json`.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.log_manager import get_log_record_metadata, has_log_record_metadata
from dagster._core.storage.tags import PARTITION_NAME_TAG


class JsonLines(logging.Formatter):
    """A record as a line of JSON.

    Always there: time (UTC), level, message. Where they are known: run_id, job, date, step, asset,
    event, counts (the numbers of a materialization), check and passed, error.
    """

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
        }
        if has_log_record_metadata(record):
            meta = get_log_record_metadata(record)
            line |= {
                "message": meta["orig_message"],
                "run_id": meta["run_id"],
                "job": meta["job_name"],
                "date": meta["job_tags"].get(PARTITION_NAME_TAG),
                "step": meta["step_key"],
            }
            if meta["dagster_event"] is not None:
                line |= _told_by(meta["dagster_event"])
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        known = {name: value for name, value in line.items() if value is not None}
        return json.dumps(known, ensure_ascii=False, default=str)


def _told_by(event: dg.DagsterEvent) -> Mapping[str, object]:
    """What a Dagster event says beyond its message."""
    told: dict[str, object] = {"event": event.event_type_value}
    if event.asset_key is not None:
        told["asset"] = event.asset_key.to_user_string()
    if event.is_step_materialization:
        told["counts"] = {
            name.removeprefix("dagster/"): found.value
            for name, found in event.step_materialization_data.materialization.metadata.items()
            if isinstance(found.value, (int, float)) and not isinstance(found.value, bool)
        }
    elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        judged = event.asset_check_evaluation_data
        told |= {
            "asset": judged.asset_key.to_user_string(),
            "check": judged.check_name,
            "passed": judged.passed,
        }
    elif event.is_step_failure and event.step_failure_data.error is not None:
        told["error"] = event.step_failure_data.error.to_string()
    return told

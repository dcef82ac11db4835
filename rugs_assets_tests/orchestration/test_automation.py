"""The schedule asks for yesterday, whenever it is evaluated."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from rugs_assets.orchestration.automation import SCHEDULE_NAME
from rugs_assets_tests.orchestration.conftest import Project


def requests_at(project: Project, now: datetime) -> list[dg.RunRequest]:
    """What the schedule asks for when its tick of `now` is evaluated."""
    defs = project.defs()
    schedule = defs.resolve_schedule_def(SCHEDULE_NAME)
    with dg.build_schedule_context(
        scheduled_execution_time=now, repository_def=defs.get_repository_def()
    ) as context:
        return list(schedule.evaluate_tick(context).run_requests or [])


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2025, 12, 16, 1, 0, tzinfo=UTC), "2025-12-15"),
        (datetime(2026, 1, 1, 1, 0, tzinfo=UTC), "2025-12-31"),
        (datetime(2025, 10, 2, 1, 0, tzinfo=UTC), "2025-10-01"),
    ],
)
def test_the_daily_schedule_asks_for_yesterday(
    project: Project, now: datetime, expected: str
) -> None:
    requests = requests_at(project, now)
    assert [(request.partition_key, request.run_key) for request in requests] == [
        (expected, expected)
    ]


def test_on_the_first_date_there_is_no_yesterday(project: Project) -> None:
    assert requests_at(project, datetime(2025, 10, 1, 1, 0, tzinfo=UTC)) == []

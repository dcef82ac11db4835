"""The one partitioning of the graph: UTC dates, the same date in every asset.

A game belongs to the date in its gameId and lies whole in that date, with the state it started
from, so no asset ever looks at a neighbouring date (docs/adr/0002). Offsets between partitions
must not be added here: they split a backfill into waves, and job backfills ignore them.
"""

from datetime import date

from dagster import DailyPartitionsDefinition


def capture_dates(start: date) -> DailyPartitionsDefinition:
    """Dates from `start` to yesterday (UTC); today is not over and so not a partition yet."""
    return DailyPartitionsDefinition(start_date=start.isoformat(), timezone="UTC", end_offset=0)

"""What a release expects of the tables: those of the assets, at the versions of their code."""

from collections.abc import Iterator

from rugs_assets.lake.release_basis import Basis, BasisTable
from rugs_assets.orchestration.day import digest_of
from rugs_assets.orchestration.stages import STAGES


def _tables() -> Iterator[BasisTable]:
    for stage in STAGES:
        for table in (stage.table, stage.side_table):
            if table is not None:
                yield BasisTable(table, stage.code_version, stage.inputs)


BASIS = Basis(tuple(_tables()), digest_of)
"""The tables of every asset, in the order of the data flow; the last one holds the rows."""

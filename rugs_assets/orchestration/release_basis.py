"""What a release expects of the tables: those of the assets, at the versions of their code."""

from rugs_assets.lake.release_basis import Basis, BasisTable
from rugs_assets.orchestration.day import digest_of
from rugs_assets.orchestration.stages import STAGES

BASIS = Basis(
    tuple(BasisTable(stage.table, stage.code_version, stage.inputs) for stage in STAGES), digest_of
)
"""Every asset's table, in the order of the data flow; the last one holds the rows."""

"""What Dagster loads: `defs`, and nothing else."""

from rugs_assets.orchestration.build import build_defs

defs = build_defs()

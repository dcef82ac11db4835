"""The answer to "can I train on this date?", and how it is shown.

Belongs here: what the answer is made of, its words and its table. Goes elsewhere: how it is found
(`readiness`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from rugs_assets.orchestration.stages import TRAINING_SHARDS

READY = dg.AssetCheckKey(dg.AssetKey(TRAINING_SHARDS.name), "ready_to_train")
PASSED, WARNED, FAILED, MISSING = "passed", "warned", "FAILED", "not judged"
"""How a check stands."""


@dataclass(frozen=True, slots=True)
class AssetState:
    """One asset at the date.

    Attributes:
        asset: its name.
        rows: how many rows are stored; None: nothing.
        anew: why it is to be made anew, "" when it is up to date.
        checks: name of each check -> how it stands.
    """

    asset: str
    rows: int | None
    anew: str
    checks: Mapping[str, str]

    def named(self, state: str) -> list[str]:
        """The checks that stand so."""
        return [name for name, found in self.checks.items() if found == state]


@dataclass(frozen=True, slots=True)
class Readiness:
    """The answer for one date."""

    date: str
    assets: tuple[AssetState, ...]
    problems: tuple[str, ...]
    cure: str

    @property
    def ok(self) -> bool:
        """Whether it can be trained on."""
        return not self.problems

    def __str__(self) -> str:
        if self.ok:
            warned = [f"{a.asset}.{name}" for a in self.assets for name in a.named(WARNED)]
            checks = sum(len(asset.checks) for asset in self.assets)
            steps = self.assets[-1].rows or 0
            also = f"; worth a look: {', '.join(warned)}" if warned else ""
            return f"YES: {steps:,} steps, {checks} checks of five assets{also}."
        return f"NO: {'; '.join(self.problems)}. Cure: {self.cure}"

    def result(self) -> dg.AssetCheckResult:
        """The same as Dagster wants it from an op."""
        told = self.evaluation()
        return dg.AssetCheckResult(
            asset_key=told.asset_key,
            check_name=told.check_name,
            passed=told.passed,
            severity=told.severity,
            description=told.description,
            metadata=told.metadata,
        )

    def evaluation(
        self, target: AssetCheckEvaluationTargetMaterializationData | None = None
    ) -> dg.AssetCheckEvaluation:
        """The same as Dagster keeps it; for the rows that were there, where there were any."""
        return dg.AssetCheckEvaluation(
            asset_key=READY.asset_key,
            check_name=READY.name,
            passed=self.ok,
            severity=dg.AssetCheckSeverity.ERROR,
            description=str(self),
            metadata=self._metadata(),
            blocking=False,
            partition=self.date,
            target_materialization_data=target,
        )

    def _metadata(self) -> dict[str, Any]:
        columns = ("asset", "rows", "up to date", "checks passed", "warned", "failed")
        records = [
            dg.TableRecord(
                dict(
                    zip(
                        columns,
                        (
                            asset.asset,
                            asset.rows,
                            f"no: {asset.anew}" if asset.anew else "yes",
                            len(asset.named(PASSED)),
                            ", ".join(asset.named(WARNED)) or "-",
                            ", ".join(asset.named(FAILED) + asset.named(MISSING)) or "-",
                        ),
                        strict=True,
                    )
                )
            )
            for asset in self.assets
        ]
        schema = dg.TableSchema(columns=[dg.TableColumn(name) for name in columns])
        told: dict[str, Any] = {
            "answer": dg.MetadataValue.text("YES" if self.ok else "NO"),
            "assets": dg.MetadataValue.table(records, schema),
        }
        if not self.ok:
            told["why_not"] = dg.MetadataValue.md("\n".join(f"- {why}" for why in self.problems))
            told["cure"] = dg.MetadataValue.text(self.cure)
        return told

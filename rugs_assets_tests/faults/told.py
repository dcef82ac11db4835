"""What the fault tests found out, kept as JSON lines for docs/reliability.md.

Nothing is written unless `RUGS_FAULTS_TOLD` names a file (`make reliability` does).
"""

from __future__ import annotations

import json
import os
from pathlib import Path


def tell(fault: str, **found: object) -> None:
    """Note the outcome of a test.

    Args:
        fault: what was done to the pipeline.
        found: figures and words, plain JSON values.
    """
    place = os.environ.get("RUGS_FAULTS_TOLD")
    if place:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"fault": fault, **found}) + "\n")

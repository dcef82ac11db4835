"""Protocol-true synthetic captures, with the truth beside them.

    from rugs_assets.domain.simulator import Faults, Plan, simulate, write_simulation

    write_simulation(Plan(days=3, sessions=2, players=1, faults=Faults.usual()), out, truth)

games -> beats -> server -> connections -> clients and recorders -> tapes -> outputs. `Arena` steps
the same world frame by frame for a player outside it.

Layout of the captures, as the real ones have it:

- `raw_jsonl/<local time>_raw.jsonl` (public feed) and `..._cdp.jsonl` (a player's own connection);
  the session is named by this path without its suffix.
- `events_parquet/doc_type=ws_event/date=<UTC date>/*.parquet`; the session is named by a uuid.
- `events_parquet/doc_type=button_event/...`: the presses, in every format, since raw JSONL has
  none. They bear the name of their raw session where only raw JSONL is written, else that of the
  session in the store. Presses and events of a session share one sequence of numbers, so that
  `seq` orders them.

Layout of the truth: `games wealth trades` (of the world), `lines frames presses` (of each session)
and `counts.parquet`; see `game_truth` and `truth` for their columns.
"""

from __future__ import annotations

from rugs_assets.domain.simulator.arena import Arena
from rugs_assets.domain.simulator.files import write_simulation
from rugs_assets.domain.simulator.outputs import Appended, Output, Progress, Stored, Truth
from rugs_assets.domain.simulator.plan import FAULTS, Faults, Format, Payload, Plan
from rugs_assets.domain.simulator.policies import POLICIES, Policy, View
from rugs_assets.domain.simulator.simulate import simulate

__all__ = [
    "FAULTS",
    "POLICIES",
    "Appended",
    "Arena",
    "Faults",
    "Format",
    "Output",
    "Payload",
    "Plan",
    "Policy",
    "Progress",
    "Stored",
    "Truth",
    "View",
    "simulate",
    "write_simulation",
]

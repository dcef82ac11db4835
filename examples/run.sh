#!/usr/bin/env bash
# The worked example from nothing: simulated captures, every date through the graph, a release of
# them, two agents, their evaluation. What is there already is not made again; delete data/example
# to begin anew. Arguments go to examples.train_on_a_release (--worlds, --games, --steps ...).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
at="data/example"
days="${EXAMPLE_DAYS:-8}"
first="2025-12-15"
last="$(python -c "import datetime as d; print(d.date.fromisoformat('$first') + d.timedelta(days=$days - 1))")"

if [ ! -d "$at/captures" ]; then
  rugs-assets simulate --out "$at/captures" --start "$first" --days "$days" --games-per-day 60 \
    --sessions 1 --players 1 --payload lean --seed 7
fi
mkdir -p "$at/home"
cp dagster.yaml "$at/home/"
export RUGS_CAPTURES="$PWD/$at/captures" RUGS_STORE="$PWD/$at/store" DAGSTER_HOME="$PWD/$at/home"
if [ ! -d "$at/store/releases/example" ]; then
  python -m rugs_assets.orchestration.run
  rugs-assets release create example --from "$first" --to "$last" --where "has_player = true"
fi
exec python -m examples.train_on_a_release --store "$at/store" --release example "$@"

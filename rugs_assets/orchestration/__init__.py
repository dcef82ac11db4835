"""Dagster objects around the domain and the lake; nothing here computes what the data means.

`build.build_defs` puts them together, `rugs_assets.definitions` is what Dagster loads.
"""

import os

# Read by Arrow when it is first imported. Its own allocator keeps what it frees, thread by thread:
# stages that hold 30 MiB of rows take 30 to 100 MiB more with it, and no less time.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # noqa: TID251 # it is not ours

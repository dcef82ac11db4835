"""Where rows are kept: one Delta table an asset, one date a commit.

In: record batches of one capture date in a declared schema. Out: the same rows in the same order,
at any version, as Arrow or pandas; later the releases and the training loader built on them.

Belongs here: files, locks, the table log, what a version is, what a reader may rely on.
Goes elsewhere: what the columns mean (`rugs_assets.domain`), when a date is computed, where the
store lies and how that is shown (`rugs_assets.orchestration`). Nothing here imports dagster: a
trainer imports only this layer and the domain. Nothing here reads the environment; storage
credentials are read by pyarrow and deltalake.

| module | holds |
|---|---|
| errors | what can go wrong, each with its cure |
| specs | what a table is, what a commit says |
| paths, locks, storage | a local folder or an object store under one interface |
| admission | which rows are let in |
| file_cuts, parquet_files | batches -> deterministic Parquet files |
| publishing, commits | files -> a version |
| delta_log, log_text | the table log: create, read, list |
| rows, dated_rows | reading |
| maintenance, sweeping | vacuum, and what killed processes left |
| tables | `Lake`, the one door to all of the above |
| catalog | the tables of this project |
"""

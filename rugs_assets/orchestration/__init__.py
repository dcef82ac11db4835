"""Dagster objects around the domain and the lake; nothing here computes what the data means.

`build.build_defs` puts them together, `rugs_assets.definitions` is what Dagster loads.
"""

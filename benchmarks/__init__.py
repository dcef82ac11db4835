"""What the parts cost, measured side by side in one run: `make bench`.

`python -m benchmarks.loader` measures the loader alone, beside the peers that are installed; its
`run() -> list[Row]` measures, `tell(rows, console)` prints.

Every figure is read as a ratio to bare msgspec decoding of the same bytes in the same run; absolute
figures belong to a machine. The references here are deliberately independent of the package.
"""

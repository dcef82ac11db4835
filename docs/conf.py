"""How Sphinx builds these pages: plain Markdown (MyST), every warning an error (`make docs`)."""

from __future__ import annotations

project = "rugs_assets"
author = "rugs_assets"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "rugs_assets"
html_copy_source = False
html_show_copyright = False
# The headings of a page are link targets under the names that code hosts give them, so that one
# link holds in both places. A link to a heading that is not there is a warning, hence an error.
myst_heading_anchors = 4
nitpicky = True

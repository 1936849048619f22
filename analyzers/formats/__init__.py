"""How results are written down for programs and pipelines: an analysis (as_json.py), and what `gaia lint` found.

Each format of the linter is one module with `render(report) -> str`, pure and of the standard library only. What
people read of an analysis is drawn by gaia_cli/views/analysis.py.
"""

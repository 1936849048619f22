"""Formats of results: an analysis as JSON (as_json.py), and what `gaia lint` found.

Each format of the linter is a module with a pure function `render(report) -> str` that needs no library. Paths,
messages and source lines come as they are: a format writes them so that they steer nothing, JSON by `json_text`. The
report of an analysis for people is in gaia_cli/views/analysis.py.
"""

"""The linter, `gaia lint`: findings for hooks and pipelines, without a verdict.

What is imported on the way from `gaia lint FILE` to its answer is kept small, since a hook starts it for every commit:
the standard library's cheap half and the analyzer, no Typer and no rich. A test lists what is loaded.
"""

"""Notebooks as Jupyter writes them."""

import json


def notebook(*cells: str | tuple[str, str], indent: int | None = 1, **metadata: object) -> str:
    """The text of a notebook with these cells: code, or pairs of a kind and a source."""
    made = [
        {"cell_type": kind, "metadata": {}, "source": source.splitlines(keepends=True)}
        for kind, source in (cell if isinstance(cell, tuple) else ("code", cell) for cell in cells)
    ]
    return as_text({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}, indent=indent)


def as_text(content: object, *, indent: int | None = 1) -> str:
    """JSON as Jupyter writes it."""
    return json.dumps(content, indent=indent, ensure_ascii=False) + "\n"

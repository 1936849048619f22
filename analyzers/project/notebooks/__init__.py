"""Jupyter notebooks as Python: their cells, what IPython adds to the language, where a line stands in the file."""

"""The `gaia` command line: what a person types."""

"""The fixes of `gaia lint --fix`, one a module."""

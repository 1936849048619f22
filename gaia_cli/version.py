"""The one place that holds Gaia's version; reading it costs no metadata look-up."""

__version__ = "0.1.0"

"""Files of other tools in a function's directory, as far as they concern Gaia."""

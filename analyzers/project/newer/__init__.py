"""Code in syntax that is newer than the Python which runs Gaia: parsed by a newer one that is installed."""

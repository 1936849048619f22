"""The engine of `gaia lint`: findings file by file, cached, in several processes."""

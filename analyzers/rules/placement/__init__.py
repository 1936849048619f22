"""GA2xx: where the code places its work."""

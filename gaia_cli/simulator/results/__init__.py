"""What a replay came to, as figures, pictures and JSON."""

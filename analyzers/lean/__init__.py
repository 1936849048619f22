"""Light helpers on the path of every hook: they import nothing that is slow to load."""

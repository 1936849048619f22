"""The forms in which functions are written, each made callable by a module of its own."""

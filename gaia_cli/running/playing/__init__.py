"""A load for a function that runs here: read from a file, and sent by a client like any other."""

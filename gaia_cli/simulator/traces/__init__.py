"""Traces and nodes: read from files or generated."""

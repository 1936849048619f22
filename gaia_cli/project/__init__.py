"""A function's project: its configuration, requirements, analysis and settings."""

"""What is deployed, looked at and moved: the work of `gaia list`, `describe`, `logs`, `delete`, `switch` and `pin`."""

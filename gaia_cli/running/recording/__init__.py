"""What remains of a run: its requests as a trace, its conditions, and what other policies would have cost."""

"""The policies that a trace is replayed under, and the offline optimum."""

"""From findings to a mode: the verdict, its alternatives, the prediction against an SLO."""

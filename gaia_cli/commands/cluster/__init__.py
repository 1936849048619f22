"""The work of the verbs for clusters."""

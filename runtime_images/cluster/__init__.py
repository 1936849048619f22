"""A cluster as the command line and the controller share it: one client, one vocabulary, readings of status."""

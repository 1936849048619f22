"""A universe from a seed: the runtime and all around it in one process, in virtual time, with laws that must hold."""

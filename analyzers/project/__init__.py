"""The files of a project: which there are, what they import, what they depend on."""

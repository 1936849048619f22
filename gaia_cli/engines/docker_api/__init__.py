"""A Docker engine, as far as Gaia needs one: images, containers, and what its failures mean to a user."""

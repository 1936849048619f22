"""What a node of the continuum gives, now and later: a GPU or none, power, and what a second and a joule cost."""

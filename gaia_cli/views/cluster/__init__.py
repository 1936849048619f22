"""How a function on a cluster looks: what a deploy would change, and how it ended."""

"""GA8xx: what a function declares against what its code says."""

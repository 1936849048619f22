"""GA6xx: evidence for the CPU."""

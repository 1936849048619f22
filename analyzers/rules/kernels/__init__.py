"""GA3xx: kernels and compiled graphs."""

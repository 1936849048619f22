"""What a file binds where, and under which conditions: one walk over its tree, in which nothing is evaluated."""

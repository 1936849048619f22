"""What an expression may be, and when code runs: names followed to what they are bound to, never run."""

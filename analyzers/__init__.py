"""The Execution Mode Identifier: what is known about a function from its code alone."""

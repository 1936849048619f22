"""GA1xx: frameworks and dependencies."""

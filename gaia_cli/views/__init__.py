"""What people see: the only importers of rich."""

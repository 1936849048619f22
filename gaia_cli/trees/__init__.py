"""Which functions a tree of directories holds: one, as most do, or several of a monorepo."""

"""GA7xx: what keeps a promotion or a demotion from working."""

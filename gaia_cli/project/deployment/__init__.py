"""What [targets.NAME] of gaia.toml may say, and what a target is in all."""

"""The simulated world: requests, backends and a clock."""

"""The Dynamic Function Runtime: one front process, a worker process per backend, a switch that loses nothing."""

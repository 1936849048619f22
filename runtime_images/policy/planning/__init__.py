"""What would pay: simulated strategies, and the forecast for the CPU."""

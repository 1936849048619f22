"""What would pay: strategies simulated on paper, and the forecast for the CPU."""

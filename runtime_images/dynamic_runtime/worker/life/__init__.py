"""What is called besides requests: start hooks, the warm-up, health, the lifespan of an application, the end."""

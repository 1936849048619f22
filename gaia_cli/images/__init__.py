"""What to bake into an image, how its build context is made, and the build itself."""

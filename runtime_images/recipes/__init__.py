"""What an image is made from, as data: the Dockerfile's template, the base images, the runtime's requirements."""

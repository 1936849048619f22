"""What front and worker share: frames, shared memory, lifelines. Standard library only."""

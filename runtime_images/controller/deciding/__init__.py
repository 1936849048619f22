"""The pure half of the controller: from what is seen of a function to what to do about it."""

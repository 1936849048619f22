"""Knowledge about libraries, models, devices and programs that rules share."""

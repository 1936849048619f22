"""What `gaia run` does between an engine and the screen.

Data flows one way: an engine's event stream -> `RunHistory` -> the views and the summary. What decides is pure (choose,
history, summary, what_if); what touches the world has its own module (session, player, interrupts).
"""

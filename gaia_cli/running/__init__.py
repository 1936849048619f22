"""What `gaia run` does between an engine and the screen.

Data flows one way: an engine's event stream -> `RunHistory` -> the views and the summary. Everything here
that decides is pure (choose, history, summary, estimates); what touches the world has its own module
(session, player, signals).
"""

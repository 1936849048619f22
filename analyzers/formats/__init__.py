"""How an analysis is written down for programs; what people read is drawn by gaia_cli/views/analysis.py."""

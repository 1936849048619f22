"""Stand-ins for other people's modules, a few lines each, that inference (stage2.py) reads instead of the real ones.

They are parsed and never imported. A stub says only what the rules ask about: which device a value names, and that the
presence of a GPU is unknown (`...` infers to nothing). A file's name is the module's, with double underscores for dots.
"""

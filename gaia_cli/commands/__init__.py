"""One module a verb: plain arguments in, work done, an exit code out."""

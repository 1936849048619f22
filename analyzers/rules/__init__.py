"""The rules, a file each: what they are (rule.py), what they read, what they know, and who runs them."""

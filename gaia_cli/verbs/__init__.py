"""What can be typed after `gaia`: each verb's flags and help text, and nothing that works.

A verb imports its command when it is called, so that no verb pays for another's imports, and help pays for none.
"""

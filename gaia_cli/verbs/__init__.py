"""What can be typed after `gaia`: each verb's flags and help text, and no work.

A verb imports its command when it is called, so that no verb pays for another's imports, and help pays for none.
"""

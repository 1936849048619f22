"""What the checkouts of these tests hold, and what the user beside them has."""

PINNED = 'import torch\n\n\ndef handler(payload):\n    return torch.zeros(3).to("cuda").tolist()\n'
AT_IMPORT = 'import torch\nx = torch.zeros(3, device="cuda")\n'
SECRET = "the user's own\n"

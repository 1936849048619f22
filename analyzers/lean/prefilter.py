"""Which files can hold evidence at all, decided on their bytes, tens of millions of lines a second.

Most files of a large project are about something else. One without any of these words is still parsed, since its
imports lead on and its names may be used elsewhere, but no call in it is evaluated. Each rule says which words it needs
(registry.py), and a test holds its examples against them.
"""

from analyzers.lean.registry import EVIDENCE_WORDS, OTHER_WORDS

_ACCELERATORS = (
    b"cuda gpu torch tensor onnx diffus whisper vllm nvidia rocm triton numba paddle mxnet keras jax cupy xpu "
    b"transformer"
).split()
_SETTINGS = b"device model batch pipeline precision fp16 dtype backend".split()


def may_hold_evidence(data: bytes) -> bool:
    """Return whether a file with these bytes can make a rule find anything beyond what it imports."""
    return any(word in data for word in EVIDENCE_WORDS)


def may_hinder_a_switch(data: bytes) -> bool:
    """Return whether a file with these bytes can make a rule of the family 7xx find anything."""
    others = (first in data and any(word in data for word in words) for first, words in OTHER_WORDS)
    return may_hold_evidence(data) and (may_use_a_gpu(data) or any(others))


def may_use_a_gpu(data: bytes) -> bool:
    """Return whether a file with these bytes may have to do with a GPU; others are read with less effort."""
    lower = data.lower()
    return any(word in lower for word in _ACCELERATORS)


def may_tell_a_device(data: bytes) -> bool:
    """Return whether a module with these bytes can name what its importers are linted for: a device, a model."""
    lower = data.lower()
    return any(word in lower for word in (*_ACCELERATORS, *_SETTINGS))

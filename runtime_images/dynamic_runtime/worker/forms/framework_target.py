"""Loaded by functions-framework in place of the function's file: it holds the function, and nothing else."""

from runtime_images.dynamic_runtime.worker.forms.functions_framework import target

_name, _function = target()
globals()[_name] = _function

"""A GPU for machines without one: a stand-in for NVIDIA's container hook and a fake libnvidia-ml.so.1.

Docker asks the hook for a GPU exactly as it asks NVIDIA's, and the runtime in the container reads the fake
library by the same nvidia-ml-py calls: everything between the request for a device and NVML's answers is real.
"""

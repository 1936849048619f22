"""What a simulation assumes where nothing else is asked for: plain numbers, because help shows them at every start.

Prices are in US dollars a second.
"""

from runtime_images.policy.sampling import CPU_PER_HOUR, GPU_PER_HOUR

SLO_P95_S = 1.0
START_CPU_S = 4.0
START_GPU_S = 10.0
SLOTS = 1
PODS_MIN = 1
PODS_MAX = 1
MOST_PODS = 1000
"""What stands for any number of pods."""
MOST_AT_ONCE = 4096
CPU_PRICE = CPU_PER_HOUR / 3600
GPU_PRICE = GPU_PER_HOUR / 3600

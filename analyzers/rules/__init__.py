"""The rules, by family: an explicit list, in the order of their codes.

1xx frameworks and dependencies, 2xx device placement, 3xx parallel kernels, 4xx batch and tensor shape, 5xx model
scale, 6xx evidence for the CPU. The 9xx codes are not rules but failures of the analysis itself (`FAILURES`).
"""

from analyzers.rules import (
    asks_for_gpus,
    asks_gaia,
    batch_size,
    compiled_graph,
    cpu_build,
    cpu_library,
    cuda_package,
    cuda_runtime,
    cuda_source,
    device_default,
    device_map,
    framework,
    gpu_command,
    gpu_kernel,
    gpu_only_library,
    gpu_option,
    gpu_provider,
    guarded_device,
    half_precision,
    heavy_pipeline,
    leftover_framework,
    matrix_product,
    model_scale,
    parallel_cpu,
    pinned_device,
    plumbing,
    refuses_cpu,
    tensor_size,
    training,
    waiting,
)
from analyzers.rules.model import Rule

RULES: tuple[Rule, ...] = (
    gpu_only_library.RULE,
    framework.RULE,
    cuda_package.RULE,
    leftover_framework.RULE,
    pinned_device.RULE,
    guarded_device.RULE,
    device_default.RULE,
    cuda_runtime.RULE,
    device_map.RULE,
    refuses_cpu.RULE,
    asks_gaia.RULE,
    gpu_option.RULE,
    half_precision.RULE,
    gpu_provider.RULE,
    gpu_command.RULE,
    asks_for_gpus.RULE,
    gpu_kernel.RULE,
    parallel_cpu.RULE,
    compiled_graph.RULE,
    cuda_source.RULE,
    batch_size.RULE,
    tensor_size.RULE,
    matrix_product.RULE,
    training.RULE,
    model_scale.RULE,
    heavy_pipeline.RULE,
    cpu_library.RULE,
    cpu_build.RULE,
    waiting.RULE,
    plumbing.RULE,
)

FAILURES: dict[str, str] = {
    "GA901": "The file is not valid Python for the version that Gaia runs on.",
    "GA902": "The file is larger than the analyzer reads.",
    "GA903": "The file is not readable as text: its encoding, or NUL bytes.",
    "GA904": "The code is nested too deeply.",
    "GA905": "The file is too entangled to be evaluated within the budget.",
    "GA906": "A rule failed; this is a bug in Gaia.",
    "GA907": "Inference failed, so a device may have stayed unknown; this is a bug in Gaia.",
}
"""Code to what it means; each of these makes `gaia analyze` exit with 2, since an unread file proves nothing."""

"""The rules whose findings are evidence for the verdict, 1xx to 6xx: an explicit list, in the order of their codes.

1xx frameworks and dependencies, 2xx device placement, 3xx parallel kernels, 4xx batch and tensor shape, 5xx model
scale, 6xx evidence for the CPU. A run that asks for no evidence, as a hook's does by default, never loads this.
"""

from collections.abc import Iterator, Sequence

from analyzers.facts.model import Facts, Place
from analyzers.rules.cpu import cpu_build, cpu_library, plumbing, waiting
from analyzers.rules.frameworks import cuda_package, framework, gpu_only_library, leftover_framework
from analyzers.rules.kernels import compiled_graph, cuda_source, gpu_kernel, parallel_cpu
from analyzers.rules.model import Finding, Rule, Signal
from analyzers.rules.placement import (
    asks_for_gpus,
    asks_gaia,
    cuda_runtime,
    device_default,
    device_map,
    gpu_command,
    gpu_option,
    gpu_provider,
    guarded_device,
    half_precision,
    pinned_device,
    refuses_cpu,
)
from analyzers.rules.work import (
    batch_size,
    gathered_batch,
    heavy_pipeline,
    matrix_product,
    model_scale,
    small_network,
    tensor_size,
    training,
    weights_file,
)

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
    gathered_batch.RULE,
    model_scale.RULE,
    heavy_pipeline.RULE,
    weights_file.RULE,
    small_network.RULE,
    cpu_library.RULE,
    cpu_build.RULE,
    waiting.RULE,
    plumbing.RULE,
)


def examine(facts: Facts, rules: Sequence[Rule] = RULES) -> Iterator[Finding]:
    """What `rules` find; a rule that fails is a finding of its own and never a silent verdict."""
    for rule in rules:
        try:
            yield from list(dict.fromkeys(rule.findings(facts)))
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with one rule must not hide the others
            message = f"the rule {rule.code} failed: {type(error).__name__}: {error}"
            yield Finding("GA906", Place(facts.files[0].path if facts.files else "", 1), message, 0.0, Signal.FAILURE)

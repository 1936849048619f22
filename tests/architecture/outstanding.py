"""What breaks a rule of the architecture today and waits to be mended: delete a line when its place is.

Nothing is added here: an exception that is to stay has its place, and its reason, beside the rule.
"""

CROWDED = frozenset({"gaia_cli/linting"})
LONG = frozenset(
    {
        "analyzers/facts/contexts/reading.py", "analyzers/facts/scope_walk.py", "analyzers/facts/stage1.py",
        "analyzers/facts/values.py", "gaia_cli/app.py", "gaia_cli/engines/docker_client.py",
        "gaia_cli/project/project.py", "runtime_images/dynamic_runtime/edge/connection.py",
        "runtime_images/dynamic_runtime/front/link.py", "runtime_images/dynamic_runtime/front/router.py",
        "runtime_images/dynamic_runtime/runtime.py", "runtime_images/dynamic_runtime/worker/main.py",
        "runtime_images/policy/learning/learn.py", "runtime_images/policy/rules/reasons.py",
    }
)  # fmt: skip
SHORT = frozenset(
    {
        "analyzers/calibration.py", "gaia_cli/linting/progress.py", "gaia_cli/linting/standard_input.py",
        "gaia_cli/linting/statistics.py", "gaia_cli/usage_words.py",
        "runtime_images/dynamic_runtime/edge/request_target.py",
        "runtime_images/dynamic_runtime/edge/slow_readers.py", "runtime_images/policy/rules/sentences.py",
    }
)  # fmt: skip
TYPED_TWICE = frozenset(
    {
        # in two modules with one value
        "DIGEST_BYTES", "GC_THRESHOLD", "GRACE_S", "KEPT_LINES", "LAST_EVENTS", "MAX_PACKET_BYTES", "REMEMBERED_BYTES",
        "SCHEMA_VERSION", "TOLD_LINES", "VERSION",
        # in the simulator and in what it plays
        "ALLOWED_SHARE", "ARRIVALS_OVER_S", "BEAT_S", "BUCKETS", "ERRORS_MOST", "KEPT", "LEAST_BUSY_S", "RATE_OVER_S",
        "RECENT_MOST", "VIOLATION_GPU_S", "window_s",
    }
)  # fmt: skip
READ_SENTENCES = frozenset(
    {
        "analyzers/rules/hygiene/hard_coded_device.py", "analyzers/verdict/alternatives.py",
        "analyzers/verdict/verdict.py", "gaia_cli/engines/setup_failure.py", "gaia_cli/running/plan.py",
    }
)  # fmt: skip
HEAVY_IMPORTS: frozenset[str] = frozenset()
WORKER_IMPORTS = frozenset({"runtime_images/dynamic_runtime/worker/forks.py"})
ROOMS_WITHOUT_CONTRACT = frozenset(
    {
        "analyzers/facts", "analyzers/facts/contexts", "analyzers/facts/stubs", "analyzers/formats", "analyzers/lean",
        "analyzers/linting", "analyzers/project", "analyzers/rules", "analyzers/rules/cpu",
        "analyzers/rules/declarations", "analyzers/rules/frameworks", "analyzers/rules/hygiene",
        "analyzers/rules/kernels", "analyzers/rules/knowledge", "analyzers/rules/placement", "analyzers/rules/work",
        "analyzers/verdict", "gaia_cli/commands", "gaia_cli/engines", "gaia_cli/images", "gaia_cli/linting",
        "gaia_cli/linting/fixes", "gaia_cli/project", "gaia_cli/running", "gaia_cli/simulator",
        "gaia_cli/simulator/policies", "gaia_cli/simulator/results", "gaia_cli/simulator/traces",
        "gaia_cli/simulator/world", "gaia_cli/views", "runtime_images/dynamic_runtime",
        "runtime_images/dynamic_runtime/edge", "runtime_images/dynamic_runtime/front",
        "runtime_images/dynamic_runtime/telemetry", "runtime_images/dynamic_runtime/wire",
        "runtime_images/dynamic_runtime/worker", "runtime_images/dynamic_runtime/workers",
        "runtime_images/policy/learning", "runtime_images/policy/planning", "runtime_images/policy/rules",
        "runtime_images/recipes",
    }
)  # fmt: skip

"""What breaks a rule of the architecture today and waits to be mended: delete a line when its place is.

Nothing is added here: an exception that is to stay has its place, and its reason, beside the rule.
"""

CROWDED = frozenset({"gaia_cli/linting"})
LONG = frozenset(
    {
        "analyzers/facts/contexts/reading.py", "analyzers/facts/scope_walk.py", "analyzers/facts/stage1.py",
        "analyzers/facts/values.py", "gaia_cli/app.py", "gaia_cli/engines/docker_client.py",
        "gaia_cli/project/project.py", "runtime_images/dynamic_runtime/worker/main.py",
        "runtime_images/policy/learning/learn.py", "runtime_images/policy/rules/reasons.py",
    }
)  # fmt: skip
SHORT = frozenset(
    {
        "analyzers/calibration.py", "gaia_cli/linting/progress.py", "gaia_cli/linting/standard_input.py",
        "gaia_cli/linting/statistics.py", "gaia_cli/usage_words.py", "runtime_images/policy/rules/sentences.py",
    }
)  # fmt: skip
TYPED_TWICE = frozenset(
    {
        # in two modules with one value
        "DIGEST_BYTES", "GC_THRESHOLD", "GRACE_S", "KEPT_LINES", "REMEMBERED_BYTES", "SCHEMA_VERSION", "SHOWN_LINES",
        # in the simulator and in what it plays
        "ALLOWED_SHARE", "BEAT_S", "LATE_ALLOWED", "LEAST_BUSY_S", "RATE_OVER_S", "TICK_S", "VIOLATION_GPU_S",
        "window_s",
    }
)  # fmt: skip
READ_SENTENCES = frozenset(
    {
        "analyzers/rules/hygiene/hard_coded_device.py", "analyzers/verdict/alternatives.py",
        "analyzers/verdict/verdict.py", "gaia_cli/engines/setup_failure.py", "gaia_cli/running/plan.py",
    }
)  # fmt: skip
HEAVY_IMPORTS: frozenset[str] = frozenset()
WORKER_IMPORTS: frozenset[str] = frozenset()
ROOMS_WITHOUT_CONTRACT = frozenset(
    {
        "analyzers/facts", "analyzers/facts/contexts", "analyzers/facts/stubs", "analyzers/formats", "analyzers/lean",
        "analyzers/linting", "analyzers/project", "analyzers/rules", "analyzers/rules/cpu",
        "analyzers/rules/declarations", "analyzers/rules/frameworks", "analyzers/rules/hygiene",
        "analyzers/rules/kernels", "analyzers/rules/knowledge", "analyzers/rules/placement", "analyzers/rules/work",
        "analyzers/verdict", "gaia_cli/commands", "gaia_cli/engines", "gaia_cli/images", "gaia_cli/linting",
        "gaia_cli/linting/fixes", "gaia_cli/project", "gaia_cli/running", "gaia_cli/simulator",
        "gaia_cli/simulator/policies", "gaia_cli/simulator/results", "gaia_cli/simulator/traces",
        "gaia_cli/simulator/world", "gaia_cli/views", "runtime_images/policy/learning",
        "runtime_images/policy/planning", "runtime_images/policy/rules",
    }
)  # fmt: skip

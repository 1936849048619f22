"""Settings travel through an environment unharmed, and bad ones are named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime_images.dynamic_runtime.settings import Settings, SettingsError
from runtime_images.policy.model import Accelerator, ExecutionMode, Prices, Slo, WarmUp

positive = st.floats(1, 1e6, allow_nan=False)
texts = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=20)


@given(
    st.builds(
        Settings,
        function_dir=st.just(Path("/function")),
        function_name=texts,
        mode=st.sampled_from(list(ExecutionMode)),
        pinned=st.booleans(),
        accelerator=st.sampled_from(list(Accelerator)),
        port=st.integers(0, 65535),
        slo=st.builds(
            Slo,
            latency_p95_ms=st.none() | positive,
            throughput_rps=st.none() | positive,
            error_rate=st.none() | st.floats(0, 1),
            window_s=positive,
        ),
        prices=st.builds(Prices, cpu_per_hour=positive, gpu_per_hour=positive, currency=st.just("EUR")),
        concurrency=st.integers(0, 4096),
        idempotent=st.booleans(),
        warmup=st.none() | st.builds(WarmUp, method=texts, path=texts, body=texts),
        max_body_bytes=st.integers(1, 2**40),
        lifeline=st.booleans(),
    )
)
def test_settings_read_back_what_was_written(settings: Settings) -> None:
    assert Settings.from_environ(settings.to_environ()) == settings


@pytest.mark.parametrize("admin", ["", "unix:///run/gaia.sock"])
def test_an_admin_address_that_others_cannot_reach_needs_no_token(admin: str) -> None:
    Settings.from_environ({"GAIA_ADMIN": admin}).check_admin()


@pytest.mark.parametrize(
    "admin", ["unix://relative", "8080", ":8080", "localhost", "localhost:http", "localhost:99999"]
)
def test_a_malformed_admin_address_is_named(admin: str) -> None:
    settings = Settings.from_environ({"GAIA_ADMIN": admin, "GAIA_ADMIN_TOKEN": "t"})

    with pytest.raises(SettingsError, match="neither unix:///path nor host:port"):
        settings.check_admin()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("PORT", "http", "PORT='http' is not a number"),
        ("PORT", "70000", "not between 0 and 65535"),
        ("GAIA_MODE", "fast", "is not one of cpu, cpu_preferred, gpu_preferred, gpu"),
        ("GAIA_IDEMPOTENT", "maybe", "neither true nor false"),
        ("GAIA_WARMUP", '{"route": "/"}', "is not a JSON object of method, path and body"),
        ("GAIA_WARMUP", "[1]", "is not a JSON object of method, path and body"),
        ("GAIA_SLO_WINDOW_S", "0", "not a finite number from 1 on"),
    ],
)
def test_a_bad_value_is_named_with_its_variable(name: str, value: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        Settings.from_environ({name: value})

    assert str(raised.value).startswith(name)

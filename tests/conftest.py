"""Every test runs in float64, with dtype promotion that has to be said, and with warnings as errors."""

import gc

import jax
import pytest

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")


@pytest.fixture(autouse=True, scope="module")
def few_programs_at_once():
    """Let go of what a file of tests compiled: every program holds memory maps, of which a process has 65,530."""
    yield
    jax.clear_caches()
    gc.collect()

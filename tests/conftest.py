"""Every test runs in float64, with dtype promotion that has to be said, and with warnings as errors."""

import jax

jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_dtype_promotion", "strict")

"""Where JAX keeps what it compiled."""

import contextlib
import os
import sys
from pathlib import Path


def keep_compiled_code():
    """Keep what JAX compiles in the user's cache folder, so that a second run starts at once."""
    if "JAX_COMPILATION_CACHE_DIR" in os.environ:
        return
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    with contextlib.suppress(OSError):  # without a cache folder everything works, only slower
        (base / "nmfit").mkdir(parents=True, exist_ok=True)
        import jax

        jax.config.update("jax_compilation_cache_dir", str(base / "nmfit"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.3)

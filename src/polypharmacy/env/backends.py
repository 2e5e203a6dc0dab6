"""The one step function as plain Python and compiled for the CPU (`cuda_kernel` has it for a GPU)."""

import hashlib
import os
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

from polypharmacy.env import dynamics
from polypharmacy.knowledge.tables import cache_folder

Step = Callable[..., Any]
BACKENDS = ("numba", "python")


def step_function(backend: str) -> Step:
    """`dynamics.step` as "python" (slow, open to a debugger) or "numba". Raises ValueError for another name."""
    if backend == "python":
        return dynamics.step
    if backend == "numba":
        return _compiled()
    raise ValueError(f"backend {backend!r} is not one of {', '.join(BACKENDS)}")


@lru_cache(maxsize=1)
def _compiled() -> Step:
    """Compiled for this CPU, without the GIL. The first compile takes seconds and is cached.

    Divisors are never 0 (budgets, drugs and start points are at least 1), so the check for it is left out.
    """
    sources = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    # numba notices that a caller has changed, not what it calls: the cache is one folder a state of the sources.
    folder = f"numba-{hashlib.sha256(sources).hexdigest()[:12]}"
    os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder().parent / folder))
    import numba

    compiled: Step = numba.njit(nogil=True, cache=True, error_model="numpy")(dynamics.step)
    return compiled

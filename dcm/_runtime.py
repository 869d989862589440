"""How inversions run: compiled with the options of XLA that they need, in 64 bit, and with one thread of BLAS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache, cached_property
from typing import Any, Generic, ParamSpec, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from threadpoolctl import threadpool_limits

P = ParamSpec("P")
T = TypeVar("T")

WANTED: Mapping[str, bool] = {
    # Each worker has a core to itself; products that are spread over cores only get in each other's way.
    "xla_cpu_multi_thread_eigen": False,
    # Without them the step takes half the time to compile, and runs as fast or faster.
    "xla_cpu_use_fusion_emitters": False,
}


@cache
def accepted_options() -> dict[str, bool]:
    """Those of the wanted options that XLA knows; the others would stop a compilation."""
    return {name: value for name, value in WANTED.items() if _accepts(name, value)}


def _accepts(name: str, value: bool) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True


class Compiled(Generic[P, T]):
    """A function that is compiled when it is called first, since only then XLA may be asked which options it has."""

    def __init__(self, function: Callable[P, T], options: Mapping[str, Any]) -> None:
        self.function, self.options = function, options

    @cached_property
    def jitted(self) -> Any:
        """The function under `jax.jit`."""
        return jax.jit(self.function, compiler_options=accepted_options(), **self.options)

    def __call__(self, *arguments: P.args, **named: P.kwargs) -> T:
        """The function's result, in 64 bit even where only the thread that started this one is in that mode."""
        with jax.enable_x64(True):
            result: T = self.jitted(*arguments, **named)
        return result


def compiled(**options: Any) -> Callable[[Callable[P, T]], Compiled[P, T]]:
    """Decorator: `jax.jit` with its `options` and with those that inversions need of XLA."""
    return lambda function: Compiled(function, options)


_lock = threading.Lock()
_within: list[Any] = []  # an entry for each computation now running; the first holds what BLAS had before


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Hold BLAS to one thread; the last computation to end, of those in this process, gives back what it had."""
    import scipy.linalg.lapack  # noqa: F401 - jaxlib calls its BLAS: it has to be there to be limited

    with _lock:
        _within.append(None if _within else threadpool_limits(1, user_api="blas"))
    try:
        yield
    finally:
        with _lock:
            if len(_within) > 1:
                _within.pop()
            else:
                _within.pop().restore_original_limits()


def require_64_bit() -> None:
    """Free energies of −5,000 need differences of 0.1; JAX's default of 32 bit cannot give them."""
    if jnp.asarray(0.0).dtype != np.float64:
        raise RuntimeError(
            "effconn needs JAX in 64-bit mode: call effconn.start_jax(), or jax.config.update('jax_enable_x64', True), "
            "before anything else, or set JAX_ENABLE_X64=1"
        )

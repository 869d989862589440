"""Compiled functions ask for options that this release of XLA has, and only for those."""

from __future__ import annotations

import numpy as np
import pytest

from dcm import _compiled
from dcm._compiled import accepted_options, compiled


def test_an_option_that_xla_does_not_know_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_compiled, "WANTED", {"xla_cpu_no_such_option": True, "xla_cpu_multi_thread_eigen": False})
    accepted_options.cache_clear()
    try:
        assert accepted_options() == {"xla_cpu_multi_thread_eigen": False}
    finally:
        accepted_options.cache_clear()


def test_a_function_is_compiled_once_for_arguments_of_the_same_kind() -> None:
    @compiled(static_argnums=0)
    def power(exponent: int, base: np.ndarray) -> np.ndarray:
        return base**exponent

    assert float(power(3, np.asarray(2.0))) == 8
    assert float(power(3, np.asarray(3.0))) == 27
    assert power.jitted._cache_size() == 1

"""How a study's models are inverted: the mode, and what is other than the mode has it."""

from __future__ import annotations

from dataclasses import replace

from dcm import Settings

from ._study import Dcm

_EQUATIONS = {"nonlinear": "full equations", "bilinear": "bilinear equations"}
_NOISE = {"ar1": "AR(1) noise", "white": "white noise", "spm12": "SPM12's noise", "spm25": "SPM25's noise"}
_PRIORS = {"none": "effconn's priors", "spm12": "SPM12's priors", "spm25": "SPM25's priors"}


def inversion_settings(dcm: Dcm) -> Settings:
    """The settings of every inversion of a study."""
    settings = Settings(
        dcm.compat,
        integrator=dcm.integrator,
        noise=dcm.noise,
        priors=dcm.priors,
        starts=dcm.starts,
        seed=dcm.seed,
        max_iterations=dcm.max_iterations,
        tolerance=dcm.tolerance,
        refine=dcm.refine,
    )
    return settings if settings.starts > 1 else replace(settings, seed=0)


def describe_inversion(dcm: Dcm) -> str:
    """The mode in words, and what it comes to."""
    settings = inversion_settings(dcm)
    starts = "1 start" if settings.starts == 1 else f"{settings.starts} starts"
    inputs = "inputs centred" if dcm.centre_inputs else "inputs as presented"
    how = (_EQUATIONS[settings.integrator], _NOISE[settings.noise], _PRIORS[settings.priors], starts, inputs)
    return f"mode {settings.mode(centre_inputs=dcm.centre_inputs)} ({', '.join(how)})"

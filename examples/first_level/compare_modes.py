"""SPM12's steps on the noise need not reach their optimum: what that does to F, and what the default does instead.

SPM leaves part of the curvature out of its Newton steps on the noise's log-precision λ. Where the noise is far from its
prior mean, λ goes to and fro and F is evaluated on whichever side it was left on. `settled_free_energy` is F at the
same connectivity with λ at its optimum, so it is what compares two optima. The default takes λ there at every step.
"""

import jax

jax.config.update("jax_enable_x64", True)

import numpy as np

from dcm import Parameters, Settings, Spec, Subject, invert, simulate

spec = Spec(["V1", "V5"], ["motion"], a=[[1, 1], [1, 1]], c=[[1], [0]])
inputs = (np.arange(1200) * 0.25 % 40 < 20).astype(float)[:, None]
planted = Parameters(
    A=np.array([[0.0, 0.1], [0.4, 0.0]]),
    B=np.zeros((2, 2, 1)),
    C=spec.c * 0.8,
    D=np.zeros((2, 2, 2)),
    transit=np.zeros(2),
    decay=np.zeros(()),
    epsilon=np.zeros(()),
)
# Noise of a standard deviation of several tenths of a percent, as in real series, is e^4 times the prior's guess.
run = simulate(spec, planted, inputs, bin_width=0.25, repetition_time=2.0, snr=0.5, seed=1)
loud = Subject("loud", spec, run.data)

for settings in (Settings("spm12"), Settings()):
    posterior = invert(loud, settings)
    print(
        f"compat={settings.compat:6} F = {posterior.free_energy:8.2f}   "
        f"settled F = {posterior.settled_free_energy:8.2f}   λ = {np.round(posterior.noise_mean, 2)}"
    )

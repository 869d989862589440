"""One elastic net, two ways to write its penalty: glmnet's (λ, α) and scikit-learn's (alpha, l1_ratio).

On z-scored predictors (1/n) and an outcome with standard deviation s (1/n) both minimise

    ‖y − Xβ‖² / 2n + λα ‖β‖₁ + λ(1 − α)/s · ‖β‖² / 2,

where glmnet's 1/s comes from scaling the outcome to unit variance first, which leaves λ in units of the outcome. So

    alpha = λα + λ(1 − α)/s,   l1_ratio = λα / alpha,

and l1_ratio = α only where s = 1.

Source: Friedman, Hastie & Tibshirani 2010, J. Stat. Softw. 33(1), equations 1–3 and section 2.6.
"""

from __future__ import annotations

from typing import NamedTuple

from ._design import FeatureError


class ScikitPenalty(NamedTuple):
    """Arguments of scikit-learn's `ElasticNet`."""

    alpha: float
    l1_ratio: float


class GlmnetPenalty(NamedTuple):
    """Arguments of R's `glmnet`: λ in units of the outcome, α the share of the lasso."""

    penalty: float
    alpha: float


def scikit_penalty(penalty: float, alpha: float, spread: float) -> ScikitPenalty:
    """glmnet's λ = `penalty` and α = `alpha` as scikit-learn takes them.

    Arguments:
        penalty: λ > 0, units of the outcome.
        alpha: 0 … 1.
        spread: s > 0, standard deviation (1/n) of the outcome.
    """
    if not (penalty > 0 and 0 <= alpha <= 1 and spread > 0):
        raise FeatureError(
            f"penalty {penalty:g}, alpha {alpha:g} and spread {spread:g} make no elastic net; "
            "penalty and spread are above zero, alpha is from 0 to 1"
        )
    lasso, ridge = penalty * alpha, penalty * (1 - alpha) / spread
    return ScikitPenalty(lasso + ridge, lasso / (lasso + ridge))


def glmnet_penalty(alpha: float, l1_ratio: float, spread: float) -> GlmnetPenalty:
    """scikit-learn's `alpha` and `l1_ratio` as glmnet takes them; see `scikit_penalty`."""
    if not (alpha > 0 and 0 <= l1_ratio <= 1 and spread > 0):
        raise FeatureError(
            f"alpha {alpha:g}, l1_ratio {l1_ratio:g} and spread {spread:g} make no elastic net; "
            "alpha and spread are above zero, l1_ratio is from 0 to 1"
        )
    lasso, ridge = alpha * l1_ratio, alpha * (1 - l1_ratio) * spread
    return GlmnetPenalty(lasso + ridge, lasso / (lasso + ridge))

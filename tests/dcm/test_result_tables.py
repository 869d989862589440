"""First-level results as a notebook shows them: by name, as tables, in one line; what `import dcm` leaves unloaded."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from beartype import beartype
from jaxtyping import jaxtyped
from made_up_posterior import made_up_posterior
from scipy.stats import norm
from small_models import block_inputs

from dcm import ChainSettings, Data, Marginal, Posterior, PosteriorDraws, Settings, Spec, Subject, diagnose
from dcm.tables import data_frame, find_name, html_table


def test_a_parameter_is_found_by_its_name() -> None:
    posterior = made_up_posterior()
    place = posterior.names.index("A[amygdala<-vmPFC]")
    found = posterior["A[amygdala<-vmPFC]"]
    assert isinstance(found, Marginal)
    mean, sd = posterior.mean[posterior.free[place]], posterior.sd[place]
    assert (found.mean, found.sd) == (mean, sd)
    np.testing.assert_allclose(found.interval(0.8), norm.interval(0.8, mean, sd))
    assert found.probability(above=0.3) == pytest.approx(norm.sf(0.3, mean, sd))


def test_a_field_is_the_matrix_of_its_means() -> None:
    posterior = made_up_posterior()
    np.testing.assert_array_equal(posterior["A"], posterior.parameters.A)
    assert np.shape(posterior["decay"]) == ()


def test_a_parameter_that_is_switched_off_has_no_spread() -> None:
    found = made_up_posterior()["B[amygdala<-vmPFC, faces]"]
    assert isinstance(found, Marginal)
    assert found.sd == 0


def test_an_unknown_name_names_the_nearest() -> None:
    with pytest.raises(KeyError, match=r"A\[amygdala<-vmPFC\]"):
        made_up_posterior()["A[amygdala<-vmPCF]"]


@pytest.mark.parametrize("name", ["sd", "probability", "full_covariance", "parameters"])
def test_what_a_posterior_gives_has_the_annotated_shape(name: str) -> None:
    getter = vars(Posterior)[name].fget
    jaxtyped(typechecker=beartype)(getter)(made_up_posterior())


def test_summary_has_a_row_for_every_free_parameter() -> None:
    posterior = made_up_posterior()
    table = posterior.summary(level=0.5)
    assert list(table.columns) == ["parameter", "mean", "sd", "lower", "upper", "probability"]
    assert tuple(table["parameter"]) == posterior.names
    np.testing.assert_allclose(table["probability"], norm.cdf(table["mean"] / table["sd"]))
    np.testing.assert_allclose(table["upper"] - table["lower"], 2 * norm.ppf(0.75) * posterior.sd)


def test_names_are_found_however_the_arrow_is_written() -> None:
    posterior = made_up_posterior()
    name = next(name for name in posterior.names if name.startswith("A["))
    for spelling in (name.replace("<-", " <- "), name.replace("<-", "←"), f"{name} "):
        found = posterior[spelling]
        assert isinstance(found, Marginal)
        assert found.name == name
        assert float(posterior.spec.parameters({spelling: 0.3}).A.sum()) == 0.3


def test_of_names_that_differ_in_spaces_only_one_must_be_given_exactly() -> None:
    names = ("A[x y<-z]", "A[xy<-z]")
    assert find_name("A[xy<-z]", names) == "A[xy<-z]"
    assert find_name("A[x y <- z]", names) is None


def test_frame_has_the_prior_beside_the_posterior() -> None:
    posterior = made_up_posterior()
    table = posterior.to_frame()
    np.testing.assert_array_equal(table["prior_mean"], posterior.prior.mean[posterior.free])
    assert table["prior_sd"][0] == np.sqrt(posterior.prior.covariance[posterior.free[0], posterior.free[0]])
    assert set(table["field"]) == {"A", "C", "transit", "decay", "epsilon"}


def test_a_summary_of_draws_says_whether_chains_agree() -> None:
    draws = np.random.default_rng(0).normal(1.0, 2.0, size=(4, 250, 1))
    ones = np.ones(1)
    found = PosteriorDraws(("A[x<-y]",), draws, draws, draws, ones, ones, 1.0, 0, 9, ChainSettings())
    [row] = found.summary(0.9).to_dict("records")
    assert row["lower"] == np.quantile(draws, 0.05)
    assert row["probability"] == (draws > 0).mean()
    assert row["r_hat"] == 1.0


def test_representations_are_one_short_line() -> None:
    posterior = made_up_posterior()
    names = [f"region {i}" for i in range(90)]
    spec = Spec(names, ["drive"], np.eye(90), c=np.ones((90, 1)))
    rng = np.random.default_rng(0)
    data = Data(rng.normal(size=(17, 90)), block_inputs(136, 0.25, 1), 0.25, 2.0)
    shown = [posterior, posterior.prior, spec, data, Subject("sub-01", spec, data), Settings(), diagnose(posterior)]
    for each in shown:
        assert len(repr(each)) < 300, repr(each)
        assert "\n" not in repr(each)
    assert "2 regions" in repr(posterior)
    assert f"F = {posterior.free_energy:.2f}" in repr(posterior)


def test_diagnostics_say_what_was_found_in_words() -> None:
    found = diagnose(made_up_posterior())
    assert f"{found.explained_variance_total:.1f} % of the variance explained" in repr(found)
    with pytest.raises(TypeError, match="the Posterior of one inversion is diagnosed, not a list"):
        diagnose([made_up_posterior()])  # type: ignore[arg-type]  # wrong on purpose


def test_html_escapes_names() -> None:
    spec = replace(made_up_posterior(), spec=Spec(("<b>", "&"), ("task", "faces"), np.ones((2, 2)), c=np.eye(2)))
    shown = spec._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "<b>]" not in shown
    assert "more rows" not in html_table("few", data_frame({"x": range(3)}))


def test_importing_dcm_loads_nothing_heavy_and_starts_no_backend() -> None:
    heavy = ("pandas", "numpyro", "scipy.signal", "scipy.stats", "scipy.linalg", "scipy.optimize", "matplotlib")
    program = (
        "import sys, dcm; from jax._src import xla_bridge; "
        f"print([name for name in {heavy} if name in sys.modules], xla_bridge.backends_are_initialized())"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=120)
    assert found.stdout.strip() == "[] False"


@pytest.mark.parametrize("name", ["A[vmPFC->amygdala]", "A[vmPFC → amygdala]"])
def test_an_arrow_the_other_way_is_the_same_connection(name: str) -> None:
    posterior = made_up_posterior()
    found, same = posterior[name], posterior["A[amygdala<-vmPFC]"]
    assert isinstance(found, Marginal)
    assert isinstance(same, Marginal)
    assert (found.name, found.mean) == (same.name, same.mean)
    assert find_name("B[vmPFC -> amygdala, faces]", posterior.spec.parameter_names) == "B[amygdala<-vmPFC, faces]"


@pytest.mark.parametrize("key", [3, None, ["A"], slice(0, 1)])
def test_a_key_of_the_wrong_kind_is_no_parameter(key: object) -> None:
    with pytest.raises(KeyError, match="no parameter or field is called"):
        made_up_posterior()[key]  # type: ignore[index]  # of the wrong kind on purpose


def test_masked_values_of_series_are_missing() -> None:
    series = np.ma.masked_greater(np.random.default_rng(0).normal(size=(40, 2)), 1.5)
    with pytest.raises(ValueError, match=r"bold holds .* not finite"):
        Data(series, np.zeros((640, 1)), 0.125, 2.0)


def test_names_without_an_order_are_no_regions() -> None:
    with pytest.raises(ValueError, match="in the model's order, not a set"):
        Spec({"V1", "V5"}, ("task",), np.ones((2, 2)))  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("option", [{"starts": 1.5}, {"starts": "3"}, {"seed": None}, {"tolerance": "0.1"}])
def test_settings_of_the_wrong_kind_are_named(option: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(option))} must be a (whole )?number"):
        Settings(**option)

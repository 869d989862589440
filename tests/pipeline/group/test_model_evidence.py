"""Models of one study are compared by F of one mode, SPM's F is flagged, and reductions are near inversions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_posterior import made_up_posterior

from dcm import Posterior, Settings, prior
from peb import reduce_models
from pipeline.execution import Unit
from pipeline.group import _model_evidence as model_evidence
from pipeline.results import (
    ResultFileError,
    posterior_dataset,
    read_reduced_models,
    write_dataset,
    write_reduced_models,
)
from pipeline.stages._group import ComparisonJob, compare_study_models

VISITS = [f"sub-{i:02d}_ses-1" for i in range(1, 5)]


class Told:
    """What became of the units."""

    def __init__(self) -> None:
        self.reasons: list[str] = []
        self.files: list[Path] = []

    def done(self, unit: Unit, files: list[Path]) -> None:
        self.files += files

    def failed(self, unit: Unit, reason: str) -> None:
        self.reasons.append(reason)


def compared(folder: Path, first: Settings, second: Settings) -> Told:
    posteriors: dict[str, dict[str, Path]] = {}
    made = made_up_posterior()
    for number, (model, settings) in enumerate((("main", first), ("other", second))):
        for place, visit in enumerate(VISITS):
            energy = -100.0 - place - 2 * number
            one = replace(made, free_energy=energy, settled_free_energy=energy, settings=settings)
            path = folder / model / f"{visit}.nc"
            write_dataset(path, posterior_dataset(one, name=visit, attrs={}))
            posteriors.setdefault(model, {})[visit] = path
    reported = Told()
    compare_study_models(
        [Unit("group", "models", {}, (), ComparisonJob(posteriors, {}, {}, {}, folder / "models"))], reported
    )  # type: ignore[arg-type]  # only what the stage calls
    return reported


@pytest.mark.parametrize(("settings", "flagged"), [(Settings(), False), (Settings("spm12"), True)])
def test_spms_free_energies_are_flagged_where_they_are_compared(
    tmp_path: Path, settings: Settings, flagged: bool
) -> None:
    reported = compared(tmp_path, settings, settings)
    assert reported.reasons == []
    texts = [path.read_text(encoding="utf-8") for path in reported.files if path.suffix in (".json", ".html")]
    assert texts
    words = " ".join(" ".join(texts).split())
    assert (f"In mode {settings.compat} this F takes the noise for independent" in words) == flagged
    assert ("free energies of SPM's noise, at its optimum" in words) == flagged


def test_models_of_different_modes_are_not_compared(tmp_path: Path) -> None:
    (reason,) = compared(tmp_path, Settings(), Settings(noise="white")).reasons
    assert reason == (
        "models were inverted in different modes (main of sub-01_ses-1: mode none; other of sub-01_ses-1: mode none, "
        "but noise = 'white'), so that their F do not compare; run again"
    )


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> dict[str, Posterior]:
    """A model, and the same without its last input effect, whose posterior is the model's own marginal."""
    large = made_up_posterior()
    density = prior(large.spec)
    large = replace(large, prior=density, covariance=np.diag(np.diag(density.covariance)[large.free]) / 4)
    kept = large.free[:-1]
    covariance = density.covariance.copy()
    covariance[large.free[-1]] = 0
    small = replace(
        large,
        prior=replace(density, covariance=covariance),
        free=kept,
        covariance=large.covariance[:-1, :-1],
        settled_free_energy=large.settled_free_energy - 1.0,
    )
    every = {"large": large, "small": small}
    monkeypatch.setattr(model_evidence, "read_posterior", lambda path: (every[path.name], {}))
    return every


def test_a_model_that_is_nested_gets_a_row_and_others_do_not(models: dict[str, Posterior]) -> None:
    files = {name: {"sub-01_ses-1": Path(name)} for name in models}
    found = model_evidence.reduction_records(files)
    assert found is not None
    [row] = found.rows
    assert (row["model"], row["reduced_from"], row["visits"]) == ("small", "large", 1)
    assert row["inverted"] == pytest.approx(-1.0)
    assert row["largest_difference"] == pytest.approx(abs(row["reduced"] + 1.0))
    assert found.marked == ({0} if row["largest_difference"] > model_evidence.LARGEST_REDUCTION_ERROR else set())
    assert row["furthest_mean"] == pytest.approx(0, abs=1e-6)


def test_models_that_are_not_nested_have_no_table(models: dict[str, Posterior]) -> None:
    assert model_evidence.reduction_records({"large": {"sub-01_ses-1": Path("large")}}) is None


@pytest.fixture
def reduced(tmp_path: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Visit → main model's posterior, and → two models without an input effect each, one of which the data have."""
    density = prior(made_up_posterior().spec)
    large = made_up_posterior()
    covariance = np.diag(np.diag(density.covariance)[large.free]) / 4
    large = replace(large, prior=density, covariance=covariance)
    specs = []
    for place in np.argwhere(large.spec.c)[:2]:
        c = large.spec.c.copy()
        c[tuple(place)] = False
        specs.append(replace(large.spec, c=c))
    main, files = {}, {}
    for visit in VISITS:
        main[visit] = tmp_path / "main" / f"{visit}.nc"
        write_dataset(main[visit], posterior_dataset(large, name=visit, attrs={}))
        files[visit] = write_reduced_models(main[visit], reduce_models(large, specs, ["one", "two"]), visit)
    return main, files


def test_reduced_models_are_compared_with_the_one_they_are_reduced_from(
    reduced: tuple[dict[str, Path], dict[str, Path]],
) -> None:
    main, files = reduced
    report = model_evidence.report_model_evidence({"main": main}, "models", files)
    table, *_ = report.records
    found = read_reduced_models(files[VISITS[0]])
    evidence = {"main": 0.0, **dict(zip(found.names, 4 * found.delta_free_energy, strict=True))}
    best = max(evidence.values())
    assert [row["model"] for row in table.rows] == ["main", "one", "two"]
    assert [row["log_evidence"] for row in table.rows] == pytest.approx([own - best for own in evidence.values()])
    assert "The reduction was not checked: trust the evidence of main" in table.lead


def test_the_report_says_which_models_evidence_is_to_be_trusted(
    reduced: tuple[dict[str, Path], dict[str, Path]], tmp_path: Path
) -> None:
    main, files = reduced
    (visit, *_), large = VISITS, read_reduced_models(files[VISITS[0]]).full
    inverted: dict[str, dict[str, Path]] = {}
    for model, off in (("one", 0.0), ("two", 9.0)):
        found = read_reduced_models(files[visit])
        place = found.names.index(model)
        own = found.estimate(model, visit)
        free = np.flatnonzero(np.isin(large.spec.parameter_names, own.parameters))
        covariance = np.zeros(large.prior.covariance.shape)
        covariance[np.ix_(free, free)] = own.prior.covariance
        energy = float(found.settled_free_energy[place]) + off
        small = replace(
            large,
            spec=found.specs[place],
            prior=replace(large.prior, covariance=covariance),
            mean=found.mean[place],
            covariance=own.posterior.covariance,
            free=free,
            free_energy=energy,
            settled_free_energy=energy,
        )
        inverted[model] = {visit: tmp_path / f"{model}.nc"}
        write_dataset(inverted[model][visit], posterior_dataset(small, name=visit, attrs={}))
    report = model_evidence.report_model_evidence({"main": main}, "models", files, inverted)
    lead = report.records[0].lead
    assert "To be trusted: the evidence of main, one, to 0.5 nats a visit." in lead
    assert f"Not to be trusted: two (off by 9.0 nats at {visit})." in lead
    assert 'invert = "each"' in lead


def test_reduced_models_of_another_posterior_are_refused(reduced: tuple[dict[str, Path], dict[str, Path]]) -> None:
    main, files = reduced
    first, second, *_ = VISITS
    main[first].write_bytes(main[second].read_bytes())
    with pytest.raises(ResultFileError, match="its models are reduced from another posterior than that in"):
        read_reduced_models(files[first])

"""Models of one study are compared by F of one mode, and SPM's F is flagged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_up_posterior import made_up_posterior

from dcm import Settings
from pipeline.execution import Unit
from pipeline.results import posterior_dataset, write_dataset
from pipeline.stages._models import Comparing, compare_models

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
    told = Told()
    compare_models([Unit("group", "models", {}, (), Comparing(posteriors, folder / "models"))], told)  # type: ignore[arg-type]  # only what the stage calls
    return told


@pytest.mark.parametrize(("settings", "flagged"), [(Settings(), False), (Settings("spm12"), True)])
def test_spms_free_energies_are_flagged_where_they_are_compared(
    tmp_path: Path, settings: Settings, flagged: bool
) -> None:
    told = compared(tmp_path, settings, settings)
    assert told.reasons == []
    texts = [path.read_text(encoding="utf-8") for path in told.files if path.suffix in (".json", ".html")]
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

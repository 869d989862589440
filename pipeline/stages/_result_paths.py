"""Where a study's results lie."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..execution import RECORDS_FOLDER
from ..study import Study


@dataclass(frozen=True)
class ResultPaths:
    """Places under the output folder."""

    out: Path

    @property
    def records(self) -> Path:
        """What was made from what; see `execution`."""
        return self.out / RECORDS_FOLDER

    @property
    def folders(self) -> list[Path]:
        """Every folder there is that a run writes files to; beside them, a user may have others."""
        names = (RECORDS_FOLDER, "dcm", "group", "predict", "tables", "statistics", "figures")
        trees = [*(self.out / name for name in names), *self.out.glob("sub-*")]
        return [self.out, *(Path(place) for tree in trees for place, _, _ in os.walk(tree))]

    @property
    def tables(self) -> Path:
        """Tables over the whole study."""
        return self.out / "tables"

    @property
    def report(self) -> Path:
        """The page."""
        return self.out / "report.html"

    def posterior(self, dcm: str, model: str, visit: str) -> Path:
        """The inversion of one model of one visit; `dcm` is empty where the study has a single DCM."""
        return self.out / "dcm" / dcm / model / f"{visit}.nc"

    def inverted(self, dcm: str, model: str, visit: str) -> Path:
        """The inversion of a model that is reduced from the main one, as a check of the reduction."""
        return self.out / "dcm" / dcm / model / "inverted" / f"{visit}.nc"

    def spm(self, dcm: str, model: str, visit: str) -> Path:
        """The same for SPM12."""
        return self.out / "dcm" / dcm / model / f"DCM_{visit}.mat"

    def group(self, analysis: str) -> Path:
        """The folder of one group analysis."""
        return self.out / "group" / analysis

    @property
    def measures(self) -> Path:
        """The table of measures."""
        return self.tables / "features.tsv"

    @property
    def statistics(self) -> Path:
        """The folder of the statistics of scores."""
        return self.out / "statistics"

    def prediction(self, name: str) -> Path:
        """The folder of one prediction."""
        return self.out / "predict" / name


def features_path(study: Study) -> Path:
    """Where a study's table of measures lies."""
    return ResultPaths(study.study.out).measures


def posterior_path(study: Study, dcm: str, model: str, visit: str) -> Path:
    """Where the inversion of one model of one visit lies; `dcm` is empty where the study has a single DCM."""
    return ResultPaths(study.study.out).posterior(dcm, model, visit)

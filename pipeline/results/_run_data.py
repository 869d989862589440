"""One participant × session × task: region series and inputs with their names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from dcm import Data, Prior, Spec, Subject


@dataclass(frozen=True, eq=False)
class RunData:
    """Region series and inputs of one run, with the names that numbers alone lack.

    Arguments:
        label: what this run goes by in tables and file names, such as ``sub-01_ses-1``.
        regions: name of every region, in the order of `data.bold`'s columns.
        input_names: name of every input, in the order of `data.inputs`' columns.
        data: series, inputs, confounds and timing.
        coordinates: (region, 3) centre of every region, mm, where known.

    Raises `ValueError`, naming everything that is wrong, where names repeat, are empty or do not match the data.

    Example:
        >>> run = read_vois(["VOI_vmPFC_1.mat", "VOI_amygdala_1.mat"], "SPM.mat")
        >>> posterior = invert(run.specify(a=np.ones((2, 2)), c=[[1, 0], [0, 0]]))
    """

    label: str
    regions: tuple[str, ...]
    input_names: tuple[str, ...]
    data: Data
    coordinates: Float[np.ndarray, "region 3"] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", tuple(map(str, self.regions)))
        object.__setattr__(self, "input_names", tuple(map(str, self.input_names)))
        problems = [] if self.label.strip() else ["label must not be empty"]
        for kind, names, expected in (
            ("region", self.regions, self.data.bold.shape[1]),
            ("input", self.input_names, self.data.inputs.shape[1]),
        ):
            if len(names) != expected:
                problems.append(f"{len(names)} {kind} names for {expected} {kind}s")
            if any(not name.strip() for name in names):
                problems.append(f"a {kind} name is empty")
            repeated = sorted({name for name in names if names.count(name) > 1})
            if repeated:
                problems.append(f"{kind} names must differ, but {', '.join(map(repr, repeated))} appears twice")
        if self.coordinates is not None:
            coordinates = np.array(self.coordinates, dtype=np.float64)
            if coordinates.shape != (len(self.regions), 3):
                problems.append(f"coordinates have shape {coordinates.shape}, but {len(self.regions)} × 3 are needed")
            coordinates.setflags(write=False)
            object.__setattr__(self, "coordinates", coordinates)
        if problems:
            raise ValueError("; ".join(problems))

    def specify(
        self,
        a: ArrayLike,
        b: ArrayLike | None = None,
        c: ArrayLike | None = None,
        d: ArrayLike | None = None,
        *,
        prior: Prior | None = None,
        centre_inputs: bool = False,
    ) -> Subject:
        """A model of this run, ready for `dcm.invert`, under the names of its regions and inputs.

        Arguments:
            a, b, c, d: masks as in `dcm.Spec`: which connections are free, (to, from); which of them each input may
                change, (to, from, input); which regions each input drives, (to, input); which connections each region
                gates, (to, from, gate).
            prior, centre_inputs: as in `dcm.Subject`.

        Raises `ValueError` where a mask does not fit the regions and inputs.
        """
        spec = Spec(self.regions, self.input_names, a, b, c, d)
        return Subject(self.label, spec, self.data, prior, centre_inputs)

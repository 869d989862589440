from pathlib import Path

import numpy as np

from pipeline.group._design_table import match_design
from pipeline.stages._group import GroupJob, _options
from pipeline.study import GroupAnalysis, Sessions


def test_arms_called_0_and_1_are_arms_and_no_numbers(tmp_path: Path) -> None:
    design = tmp_path / "design.tsv"
    design.write_text("participant_id\tarm\nsub-1\t1\nsub-2\t0\nsub-3\t1\n", encoding="utf-8")
    job = GroupJob("arms", GroupAnalysis(analysis="arms"), "arm", ("1", "0"), Sessions(), (), design, tmp_path)
    options = _options(job)
    names = ["sub-1", "sub-2", "sub-3"]
    matched = match_design(design, names, options.covariates, plus=options.plus, named=options.named, centre=False)
    np.testing.assert_array_equal(matched.design.matrix[:, matched.design.column("arm[1]")], [1, -1, 1])

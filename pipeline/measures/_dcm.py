"""Parameters of a visit's DCM as measures: posterior means, without how sure the inversion is of them."""

from __future__ import annotations

from collections.abc import Sequence

from dcm import Posterior, Spec, prior

from ..results import Connection, connections
from ..study import MAIN, Study, inversion_settings, models_of
from ._measure import Measure


def dcm_plan(study: Study) -> list[Measure]:
    """A measure for every free parameter of the main model in the fields asked for; none without a DCM."""
    if study.dcm is None:
        return []
    spec = models_of(study.dcm)[MAIN]
    free = [spec.parameter_names[i] for i in prior(spec, inversion_settings(study.dcm).priors).free]
    return [
        Measure(
            _name(one),
            "dcm",
            study.dcm.task,
            one.unit,
            f"DCM, posterior mean of {one.field}: {one.words}; {one.meaning}",
            one.to,
            one.source,
            " ".join(part for part in (one.field, one.modulator) if part),
        )
        for one in _chosen(free, spec, study.measures.dcm_fields)
    ]


def dcm_values(posterior: Posterior, fields: Sequence[str]) -> dict[str, float]:
    """Measure → value of one visit."""
    means = dict(zip(posterior.names, posterior.mean[posterior.free].tolist(), strict=True))
    return {_name(one): means[one.name] for one in _chosen(posterior.names, posterior.spec, fields)}


def _chosen(names: Sequence[str], spec: Spec, fields: Sequence[str]) -> list[Connection]:
    return [one for one in connections(names, spec) if one.field in fields]


def _name(one: Connection) -> str:
    """Such as ``dcm_B_faces_vmPFC_from_amygdala``; ``dcm_C_task_vmPFC`` of an input that drives a region."""
    if one.kind == "input":
        return f"dcm_C_{one.source}_{one.to}"
    return "_".join(part for part in ("dcm", one.field, one.modulator, one.to, "from", one.source) if part)

"""The configuration file of a synthetic study, with comments, as an example to start from."""

from __future__ import annotations

from ..study import SCHEMA_FILE
from ._images import SPHERES
from ._regional_series import REGIONS
from ._simulated_participants import SYMPTOM_CLUSTERS
from ._study_design import StudyDesign

STUDY_FILE, MASKS = "study.toml", "masks"

_HEAD = f"""\
#:schema {SCHEMA_FILE}
# A synthetic study: how effconn analyses it. Every setting that is not here has a default.
# effconn check study.toml says what is there and what is missing; effconn run study.toml does it all.

[study]
name = "Ketamine and midazolam, a synthetic study"
bids = "bids"                              # paths are relative to this file
derivatives = "bids/derivatives/fmriprep"
space = "MNI152NLin2009cAsym"              # which of fMRIPrep's images
out = "results"

[participants]
arm = "arm"                                # column of bids/participants.tsv
arms = ["ketamine", "midazolam"]           # differences are the first minus the second

[sessions]
before = "ses-1"
after = "ses-2"

[scores.improvement]
table = "bids/phenotype/caps5.tsv"         # a row for each participant and session
column = "caps5_total"
take = "fall"                              # session 1 minus session 2: more is better
unit = "points"
"""

_FACES = """
[tasks.faces]                              # conditions are the trial types of the events
contrasts.faces-over-shapes = "faces - shapes"
contrasts.task = "0.5*faces + 0.5*shapes"

[tasks.faces.distances.faces-v-shapes]     # how far apart are the patterns of voxels? Cross-validated over halves
between = ["faces", "shapes"]
"""

_STROOP = """
[tasks.stroop]
contrasts.conflict = "incongruent - congruent"
"""

_REST = """
[tasks.rest]
rest = true
"""

_CONFOUNDS = """
[confounds]                                # columns of fMRIPrep's table that are taken out of every series
strategy = ["motion", "wm_csf"]
motion = "basic"                           # six parameters; "full" adds their changes and squares
wm_csf = "basic"
censor_above = 1.0                         # mm of framewise displacement; such a scan gets a regressor of its own

# The target circuit. Midline regions are spheres; those that lie on both sides are mask files.
"""

_MODEL = """
[glm]
high_pass = 128.0                          # s
noise = "ar1"

[dcm]
task = "faces"
regions = ["vmPFC", "amygdala"]
inputs.task = ["faces", "shapes"]          # an input is on in any of these conditions
inputs.faces = ["faces"]
a = "full"
b.faces = ["vmPFC <- amygdala", "amygdala <- vmPFC"]   # to <- from: what faces change
c.task = ["vmPFC", "amygdala"]             # what the task drives
"""

_ALTERNATIVE = """invert = "each"                            # or "reduce": alternatives follow from the main model

[dcm.models.amygdala-driven]               # an alternative; other settings are as above
c.task = ["amygdala"]
"""

_ARMS = """
[group.arms]                               # do the arms differ in the change of B, and in its relation to improvement?
analysis = "arms"
of = "change"
fields = ["B"]
covariates = ["improvement"]
smallest_effect = 0.3                      # Hz; effects that are surely smaller count as "no difference"
"""

_PREDICTION = """
[group.prediction]                         # improvement of each participant, from the connectivity of all others
analysis = "leave-one-out"
of = "change"
fields = ["B"]
covariates = ["arm", "improvement"]
interactions = ["arm:improvement"]
predict = "improvement"

[group.baseline]                           # is connectivity before treatment related to improvement?
analysis = "fit"
of = "before"
fields = ["B"]
covariates = ["arm", "improvement"]
interactions = ["arm:improvement"]
"""


def study_text(design: StudyDesign) -> str:
    """The configuration file; a small study leaves out what takes time."""
    tasks = {"faces": _FACES, "stroop": _STROOP, "rest": _REST}
    whole = len(design.tasks) == len(tasks)
    parts = [
        _HEAD,
        *([other_scores(tuple(SYMPTOM_CLUSTERS))] if whole else []),
        *(tasks[task] for task in design.tasks),
        _CONFOUNDS,
        *(region_text(name) for name in REGIONS),
        _MODEL,
        *([_ALTERNATIVE] if whole else []),
        _ARMS
        + ("sample = true                              # check it by drawing from the posterior\n" if whole else ""),
        _PREDICTION,
        predictive_text(whole),
    ]
    return "".join(parts)


def masked_regions() -> tuple[str, ...]:
    """Those that need a mask file: a sphere has one centre."""
    return tuple(name for name in REGIONS if len(SPHERES[name][0]) > 1)


def region_text(name: str) -> str:
    """The section of one region."""
    centres, radius = SPHERES[name]
    if name in masked_regions():
        return f'[regions.{name}]\nmask = "{MASKS}/{name}.nii.gz"\n\n'
    centre = ", ".join(f"{value:g}" for value in centres[0])
    return f"[regions.{name}]\nsphere = {{ centre = [{centre}], radius = {radius:g} }}   # mm\n\n"


# Less than a paper's, so that the demo stays short; 72 shuffles are the fewest that can tell p from 0.05.
_QUICK_SETTINGS = """\
alphas = [0.5, 1.0]
imputation = "neighbours"
bootstraps = 100
"""

_SCORES = """
[scores.severity]                          # the same scale before treatment
table = "bids/phenotype/caps5.tsv"
column = "caps5_total"
take = "before"

[scores.symptoms]                          # and its change as it is: less is better
table = "bids/phenotype/caps5.tsv"
column = "caps5_total"
take = "rise"

[scores.depression]                        # another scale: do other symptoms change with them?
table = "bids/phenotype/madrs.tsv"
column = "madrs_total"
take = "rise"

[scores.dissociation]                      # a side effect; its table has a row for each participant
table = "bids/phenotype/cadss.tsv"
column = "cadss_total"
"""

_MEASURES = """
[measures]                                 # taken from every run, into results/tables/features.tsv
kinds = ["response", "gppi", "distance", "rest", "dcm"]
interaction = "neural"                     # of gPPI: after deconvolution; "bold": of the series as measured
"""

_FEW_PARTICIPANTS = """
# So few participants allow no sound prediction; this one shows what results."""

_HYPOTHESISED = """\
measures = [                               # * stands for every region
  "gppi_faces_faces-over-shapes_amygdala_from_vmPFC",
  "gppi_faces_faces-over-shapes_vmPFC_from_amygdala",
  "response_stroop_conflict_*",
]
"""

_PREDICT_CHANGE = f"""
[predict.change]                           # from changes of hypothesised measures, and whether the arm matters
outcome = "improvement"
model = "change-by-arm"
{_HYPOTHESISED}\
alphas = [0.5, 1.0]                        # these four are quicker than what they are without: 0.1, 0.2 … 1,
imputation = "neighbours"                  # "iterative",
bootstraps = 100                           # 200
permutations = 99                          # and 1000
"""

_PREDICT_MECHANISM = f"""
[predict.mechanism]                        # improvement of left-out participants, from the DCM's own connections
outcome = "improvement"
model = "change"
measures = ["dcm_B_*"]
{_QUICK_SETTINGS}permutations = 99
"""

_PREDICT_BASELINE = f"""
[predict.baseline]                         # from measures before treatment
outcome = "improvement"
model = "baseline"
{_HYPOTHESISED}\
covariates = ["severity", "age"]
{_QUICK_SETTINGS}permutations = 0                           # no p: whether chance does as well is not asked
"""

_STATISTICS = """
[statistics]
outcomes = ["symptoms", "depression"]      # what the arms did to each
measures = [                               # whose change is correlated with the clusters of symptoms
  "gppi_faces_faces-over-shapes_amygdala_from_vmPFC",
  "gppi_faces_faces-over-shapes_vmPFC_from_amygdala",
  "dcm_B_faces_amygdala_from_vmPFC",
  "dcm_B_faces_vmPFC_from_amygdala",
]
subscales = ["intrusion", "avoidance", "mood", "arousal"]
null_checks = ["infusions", "days_between_scans"]   # which none of them should be related to
cohort = ["age", "sex", "medication", "severity", "infusions", "days_between_scans", "dissociation"]
"""


def other_scores(clusters: tuple[str, ...]) -> str:
    """Scores other than improvement."""
    return _SCORES + "".join(map(_cluster_score, clusters))


def predictive_text(whole: bool) -> str:
    """Everything that comes after the group's analyses; `whole` where the study has every task."""
    return (
        "".join((_MEASURES, _PREDICT_CHANGE, _PREDICT_MECHANISM, _PREDICT_BASELINE, _STATISTICS))
        if whole
        else _FEW_PARTICIPANTS + _PREDICT_MECHANISM
    )


def _cluster_score(name: str) -> str:
    """A part of the scale, as improvement is of the whole."""
    return f'\n[scores.{name}]\ntable = "bids/phenotype/caps5.tsv"\ncolumn = "caps5_{name}"\ntake = "fall"\n'

"""The predictive arm in the configuration of a synthetic study: measures, predictions, and the statistics around them.

A study of every task predicts from responses, interactions and connections; one of faces alone, whose few people carry
no more, from the change of two connections.
"""

from __future__ import annotations

# Less than a paper's, so that the demo stays short; 72 shuffles are the fewest that can tell p from 0.05.
_QUICKLY = """\
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

_FEW = """
# So few people carry no prediction; this one shows what comes of it."""

_HYPOTHESISED = """\
measures = [                               # * stands for every region
  "gppi_faces_faces-over-shapes_amygdala_from_vmPFC",
  "gppi_faces_faces-over-shapes_vmPFC_from_amygdala",
  "response_stroop_conflict_*",
]
"""

_CHANGE = f"""
[predict.change]                           # from changes of hypothesised measures, and whether the arm matters
outcome = "improvement"
model = "change-by-arm"
{_HYPOTHESISED}\
alphas = [0.5, 1.0]                        # these four are quicker than what they are without: 0.1, 0.2 … 1,
imputation = "neighbours"                  # "iterative",
bootstraps = 100                           # 200
permutations = 99                          # and 1000
"""

_MECHANISM = f"""
[predict.mechanism]                        # improvement of people left out, from the DCM's own connections
outcome = "improvement"
model = "change"
measures = ["dcm_B_*"]
{_QUICKLY}permutations = 99
"""

_BASELINE = f"""
[predict.baseline]                         # from measures before treatment
outcome = "improvement"
model = "baseline"
{_HYPOTHESISED}\
covariates = ["severity", "age"]
{_QUICKLY}permutations = 0                           # no p: whether chance does as well is not asked
"""

_STATISTICS = """
[statistics]
outcomes = ["symptoms", "depression"]      # what the arms did to each
measures = [                               # whose change is held against the clusters of symptoms
  "gppi_faces_faces-over-shapes_amygdala_from_vmPFC",
  "gppi_faces_faces-over-shapes_vmPFC_from_amygdala",
  "dcm_B_faces_amygdala_from_vmPFC",
  "dcm_B_faces_vmPFC_from_amygdala",
]
subscales = ["intrusion", "avoidance", "mood", "arousal"]
null_checks = ["infusions", "days_between_scans"]   # what none of them should go with
cohort = ["age", "sex", "medication", "severity", "infusions", "days_between_scans", "dissociation"]
"""


def other_scores(clusters: tuple[str, ...]) -> str:
    """Scores beside improvement."""
    return _SCORES + "".join(map(_cluster, clusters))


def predictive_text(whole: bool) -> str:
    """Everything that comes after the group's analyses; `whole` where the study has every task."""
    return "".join((_MEASURES, _CHANGE, _MECHANISM, _BASELINE, _STATISTICS)) if whole else _FEW + _MECHANISM


def _cluster(name: str) -> str:
    """A part of the scale, as improvement is of the whole."""
    return f'\n[scores.{name}]\ntable = "bids/phenotype/caps5.tsv"\ncolumn = "caps5_{name}"\ntake = "fall"\n'

"""Every mistake in a configuration is reported with its line, its key, what was expected and the nearest valid name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.study import StudyError, describe_inversion, read_study

Mistakes = Callable[..., tuple[str, ...]]

# (what stands there, what is written instead, a piece of the line it is about, what is said)
ONE_MISTAKE = [
    ('name = "A trial"\n', "", "[study]", "study: lacks 'name' (Title of the report); add it"),
    ('name = "A trial"', 'name = ""', "name =", "study.name: must not be empty"),
    ('bids = "bids"', 'bids = "b\\u0000"', "b\\u0", "study.bids: is 'b\\x00', with a character that no name can have"),
    ('name = "A trial"', "name = 3", "name =", "study.name: must be text in quotes, not 3"),
    ('name = "A trial"', "name = 2024-05-01", "name =", "study.name: is the date 2024-05-01; put it in quotes"),
    (
        "[participants]\n",
        '[participants]\nAmr = "x"\n',
        "Amr",
        "is not a setting of [participants]; did you mean 'arm'?",
    ),
    ("[group.arms]", "[glm]\nhigh_pass = 0.008\n[group.arms]", "high_pass =", "1/128 Hz is high_pass = 128"),
    (
        "[group.arms]",
        "[glm]\nhigh_pass = 128e3\n[group.arms]",
        "high_pass =",
        "any run; 128 if it was in ms",
    ),
    ("[group.arms]", "[glm]\nsmoothing = 0.006\n[group.arms]", "smoothing =", "where 1 to 30 is meant"),
    (
        'before = "ses-1"',
        'order = ["ses-2", "ses-1"]\nbefore = "ses-1"',
        "before =",
        "'ses-1' comes after 'ses-2' in order",
    ),
    ("[group.arms]", "[group.arms]\nseed = 1", "seed =", "would be ignored, as nothing is drawn"),
    ("[group.arms]", '[group.arms]\nof = "visits"', "of =", "arms is of participants, and all visits are for fit and"),
    (
        "[group.arms]",
        '[group.x]\nof = "visits"\ncompat = "spm12"\n[group.arms]',
        "of =",
        "all visits are for the default group",
    ),
    (
        "[group.prediction]",
        '[group.prediction]\ncompat = "exact"',
        "compat =",
        'now compat = "none" with between = "gaussian"',
    ),
    ("[group.prediction]", '[group.prediction]\ncomponents = "all"', "components =", 'or add between = "gaussian"'),
    (
        "[dcm]",
        '[dcm]\ncompat = "SPM12"',
        "compat =",
        "must be one of 'none', 'spm12', 'spm25', not 'SPM12'; did you mean",
    ),
    ("[dcm]", '[dcm]\ncompat = "exact"', "compat =", "dcm.compat: must be one of 'none', 'spm12', 'spm25'"),
    ("[dcm]", '[dcm]\ncompat = "none, but white"', "compat =", "must be one of"),
    ("[dcm]", "[dcm]\ncompat = false", "compat =", "must be one of 'none', 'spm12', 'spm25', not false"),
    ("[dcm]", '[dcm]\nnoise_prior = "wide"', "noise_prior =", "is gone; priors replaced it"),
    ("[dcm]", '[dcm]\nprior = "spm25"', "prior =", "is gone; priors replaced it"),
    ("[dcm]", '[dcm]\nnoise = "settled"', "noise =", "must be one of 'ar1', 'white', 'spm12', 'spm25'"),
    ("[dcm]", '[dcm]\npriors = "wide"', "priors =", "must be one of 'none', 'spm12', 'spm25'"),
    ("[dcm]", "[dcm]\ntolerance = 0", "tolerance =", "must be greater than 0"),
    ("[dcm]", '[dcm]\ncompat = "spm12"\nrefine = "sampling"', "[dcm]", "refine='sampling' is for our own noise models"),
    ("[study]", 'compat = "spm-12"\n[study]', "compat =", "compat: must be one of 'none', 'spm12', 'spm25'"),
    ("[study]", '[compat]\nmode = "none"\n[study]', "[compat]", "must be one of 'none', 'spm12', 'spm25', not a table"),
    ("[dcm]", "[dcm]\nstarts = 1\nseed = 1", "seed =", "would be ignored, as one start is not drawn"),
    (
        "[group.arms]",
        "[glm]\nsmoothing = 6\n[outputs]\nmaps = false\n[group.arms]",
        "smoothing =",
        "is of contrast maps, and none are made",
    ),
    ("[group.arms]", "[group.models]", "[group.models]", "is what the comparison of [dcm.models] is called"),
    ("[sessions]", "[sesions]", "[sesions]", "sesions: is no part of a study; did you mean [sessions]?"),
    (
        '"ketamine", "midazolam"',
        '"ketamine"',
        "arms =",
        "participants.arms: is 'ketamine' alone; name two at least, or remove it",
    ),
    ('"ketamine", "midazolam"', '"a", "b", "c"', 'analysis = "arms"', "compares two groups, and the study has 3 arms"),
    (
        '"ketamine", "midazolam"',
        '"a", "a"',
        "arms =",
        "participants.arms (entry 2): names 'a' twice; name two that differ",
    ),
    ('"ketamine", "midazolam"', '"a", "?"', "arms =", "participants.arms (entry 2): is still '?', which effconn init"),
    (
        '"midazolam"]',
        '"midazolam"]\nexclude.07 = "x"',
        "exclude",
        "'07' is no participant's label; did you mean 'sub-07'",
    ),
    ('after = "ses-2"', 'after = "ses-1"', "after =", "sessions.after: before and after are both 'ses-1'"),
    ('after = "ses-2"', 'after = "2"', "after =", "'2' is no session's label, such as ses-1; did you mean 'ses-2'?"),
    ('take = "fall"', 'take = "falls"', "take =", "not 'falls'; did you mean 'fall'?"),
    (
        'table = "bids/phenotype/caps5.tsv"\n',
        "",
        "take =",
        "scores.improvement.take: takes 'fall', which needs a table",
    ),
    ("[scores.improvement]", '[scores."im prove"]', "im prove", "cannot be used here: a name starts with a letter"),
    ("[scores.improvement]", "[scores.arm]", "[scores.arm]", "'arm' is the column of the arms"),
    ("[tasks.rest]", '[tasks."task-rest"]', "task-rest", "letters and digits only; did you mean 'rest'?"),
    ("[tasks.rest]", "[tasks.Faces]", "[tasks.Faces]", "the tasks 'faces' and 'Faces' differ in capitals only"),
    ("rest = true", 'rest = true\ncontrasts.x = "a"', "contrasts.x", "a rest run has no events to make them from"),
    ("rest = true", 'rest = "yes"', "rest = ", "tasks.rest.rest: must be true or false, not 'yes'"),
    ('shapes = ["shapes"]', 'shapes = ["neutral"]', "shapes = [", "the trial type 'neutral' is in 'faces' already"),
    ('shapes = ["shapes"]', "shapes = []", "shapes = [", "merges no trial types; name at least one"),
    ('shapes = ["shapes"]', 'shapes = "shapes"', 'shapes = "shapes"', "must be a list in brackets, not 'shapes'"),
    (
        'condition = "faces"',
        'condition = "face"',
        "condition =",
        "'face' is no condition of this task; did you mean 'face",
    ),
    (
        '"faces - shapes"',
        '"faces - shpes"',
        "faces-over",
        "which is no condition of this task; did you mean 'shapes'? (con",
    ),
    ('"faces - shapes"', '"faces-shapes"', "faces-over", "put spaces around the sign: 'faces - shapes'"),
    ('"faces - shapes"', '"faces minus shapes"', "faces-over", "has 'minus shapes' where + or - is expected"),
    ('"faces - shapes"', '"0*faces"', "faces-over", "weights everything by zero"),
    ("[tasks.rest]\n", "[tasks.rest]\nruns = [1, '01']\n", "runs =", "tasks.rest.runs (entry 2): names run '01' twice"),
    ("[tasks.rest]\n", "[tasks.rest]\nrun = -1\n", "run =", "tasks.rest.run: '-1' cannot be the label of run-LABEL"),
    ("[group.arms]", f"[group.{'x' * 300}]", "group.xxx", "it has more than 100 letters"),
    ("[group.arms]", "[group.other]\ncontrasts.a = 'faces'\n\n[group.arms]", "contrasts.a", "add it, such as design ="),
    ("n_compcor = 6", "n_compcor = 0", "n_compcor", "confounds.n_compcor: must be at least 1, not 0"),
    (
        "n_compcor = 6",
        'wm_csf = "full"',
        "wm_csf",
        "confounds.wm_csf: would be ignored, as strategy does not name 'wm_csf'",
    ),
    ('"motion", "compcor"', '"motion", "compco"', "strategy", "confounds.strategy (entry 2): must be one of"),
    ("radius = 8", "radius = -8", "sphere", "regions.vmPFC.sphere.radius: must be greater than 0, not -8"),
    ("radius = 8", "radius = inf", "sphere", "regions.vmPFC.sphere.radius: must be a number that is finite, not inf"),
    ("threshold = 0.3", "threshold = true", "threshold", "regions.amygdala.threshold: must be a number, not true"),
    (
        "threshold = 0.3",
        'atlas = "x"',
        "[regions.amygdala]",
        "has mask and atlas, which exclude each other; give exactly",
    ),
    (
        'mask = "masks/amygdala.nii.gz"\n',
        "",
        "[regions.amygdala]",
        "says nowhere where it lies; give exactly one of mask",
    ),
    ("threshold = 0.3", 'labels = ["x"]', '["x"]', "only an atlas has labels, and this region is a mask; remove"),
    ('labels = ["Insula"]\n', "", "[regions.insula]", "takes an atlas, but no labels of it; add labels"),
    (
        "radius = 8 }",
        "radius = 8 }\nthreshold = 1",
        "threshold = 1",
        "a sphere has no threshold, so it would be ignored",
    ),
    (
        "[regions.hippocampus]",
        "[regions.hipocampus]",
        "[regions.hipo",
        "no region of the preset 'target-circuit'; did you",
    ),
    ("y = [0, 30]", "y = [30, 0]", "box", "regions.insula.box.y: goes from 30 to 0; the first must be less"),
    ("y = [0, 30]", "", "box", "regions.insula.box: limits no axis"),
    (
        'task = "faces"',
        'task = "face"',
        'task = "face"',
        "dcm.task: 'face' is no task; did you mean 'faces'? (tasks: faces)",
    ),
    ('task = "faces"', 'task = "rest"', 'task = "rest"', "dcm.task: 'rest' is a rest run, which has no inputs"),
    (
        'regions = ["vmPFC", ',
        'regions = ["vmPFC", "vmPFC", ',
        "regions =",
        "dcm.regions (entry 2): names 'vmPFC' twice",
    ),
    ("[regions.vmPFC]", "[regions.vmPCF]", "regions = [", "'vmPFC' is no region of this study; did you mean 'vmPCF'?"),
    (
        'inputs.faces = ["faces"]',
        'inputs.faces = ["fcaes"]',
        "fcaes",
        "'fcaes' is no condition or modulator of the task",
    ),
    ('"amygdala <- vmPFC"]\nb', '"amygdala < vmPFC"]\nb', "a = ", "'amygdala < vmPFC' is no connection; write it like"),
    (
        'a = ["vmPFC <- amygdala", ',
        "a = [",
        'b.faces = ["vmPFC <-',
        "'faces' changes 'vmPFC <- amygdala', which is not among",
    ),
    (
        'a = ["vmPFC <- amygdala", "amygdala <- vmPFC"]',
        'a = "ful"',
        "a = ",
        "must be 'full' or a list in brackets, not 'ful'",
    ),
    ("b.faces = [", "b.face = [", "b.face =", "dcm.b.face: 'face' is no input of the model; did you mean 'faces'?"),
    ('c.task = ["vmPFC", "amygdala"]', "c.task = []", "c.task", "dcm.c: no input drives a region"),
    (
        'c.task = ["vmPFC", "amygdala"]',
        'c.task = ["vmpfc"]',
        "c.task",
        "'vmpfc' is no region of the model; did you mean 'vmPFC'?",
    ),
    (
        "[dcm.models.top-down]",
        "[dcm.models.Main]",
        "Main",
        "is the model of [dcm] itself; call this one something else",
    ),
    (
        '["vmPFC -> amygdala"]',
        '["vmPFC -> amygdala", "amygdala → vmPFC"]',
        "top-down",
        "is the same model as [dcm] itself",
    ),
    (
        "inputs.faces = ",
        'inputs.more = ["faces"]\ninputs.faces = ',
        "more",
        "drives no region (c) and changes no connection (b)",
    ),
    ("[dcm.models", "high_pass = 60\n[dcm.models", "high_pass", "is not a setting of [dcm]; it belongs into [glm]"),
    (
        'predict = "improvement"\n[',
        "[",
        "[group.prediction]",
        "leave-one-out lacks predict, the covariate that it is about",
    ),
    ('covariates = ["improvement"]', 'covariates = ["improvement"]\npredict = "age"', "age", "arms would ignore"),
    ('"permute"', '"leave-one-out"', "permutations", "leave-one-out would ignore permutations, which is for permute"),
    (
        'analysis = "arms"',
        'analysis = "arms"\nreinvert = true',
        "reinvert",
        "is for one session; remove it, or name a session by of",
    ),
    (
        "permutations = 199",
        "reinvert = true",
        "reinvert",
        "permute would ignore reinvert, which is for arms, fit, search",
    ),
    ("permutations = 199", "permutations = 9", "permutations", "must be at least 19, not 9"),
    ("permutations = 199", "sample = true", "sample", "permute would ignore sample, which is for arms; remove it"),
    (
        '"arm:improvement"',
        '"arm:improvment"',
        "interactions",
        "no covariate of this analysis; did you mean 'improvement'?",
    ),
    ('"arm:improvement"', '"arm*improvement"', "interactions", "is no product of two covariates; write it like"),
    (
        'analysis = "arms"',
        'analysis = "arms"\nfields = ["C", "C"]',
        "fields",
        "group.arms.fields (entry 2): names 'C' twice",
    ),
    (
        'analysis = "arms"',
        'analysis = "arms"\nfields = ["Z"]',
        "fields",
        "group.arms.fields (entry 1): must be one of 'A', 'B', 'C', not 'Z'",
    ),
    ("[group.chance]", "[group.Arms]", "[group.Arms]", "the group analyses 'arms' and 'Arms' differ in capitals only"),
]


def test_the_configuration_that_is_changed_here_is_right(study_text: str, mistakes: Mistakes) -> None:
    assert mistakes(study_text) == ()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "study.toml")
    with pytest.raises(StudyError, match=r"is a pipe or a device; give a file"):
        read_study(tmp_path / "study.toml")


@pytest.mark.parametrize(("there", "instead", "at", "says"), ONE_MISTAKE)
def test_a_mistake_is_told_once_with_its_line(
    study_text: str, mistakes: Mistakes, there: str, instead: str, at: str, says: str
) -> None:
    assert there in study_text
    text = study_text.replace(there, instead, 1)
    (mistake,) = mistakes(text)
    (line,) = (number for number, content in enumerate(text.splitlines(), 1) if at in content)
    assert mistake.startswith(f"study.toml:{line}: ")
    assert says in mistake
    assert "\n" not in mistake


def test_all_mistakes_come_at_once_in_the_order_of_the_file(study_text: str, mistakes: Mistakes) -> None:
    text = study_text.replace("radius = 8", "radius = 0").replace("- shapes", "- shpes").replace('["arm:', '["amr:')
    assert [line.split(": ")[1] for line in mistakes(text)] == [
        "tasks.faces.contrasts.faces-over-shapes",
        "regions.vmPFC.sphere.radius",
        "group.arms.interactions (entry 1)",
    ]


def test_a_part_that_is_wrong_is_no_reason_to_blame_others(study_text: str, mistakes: Mistakes) -> None:
    (line,) = mistakes(study_text.replace("[dcm]\ntask", "[dcm]\nstarts = 0\ntask"))
    assert "dcm.starts: must be at least 1" in line
    (line,) = mistakes(study_text.replace("[regions.vmPFC]\n", "[regions.vmPFC]\nmsk = 1\n"))
    assert "regions.vmPFC.msk: is not a setting of [regions.vmPFC]; did you mean 'mask'?" in line


def test_a_study_without_its_parts_names_them_all(mistakes: Mistakes) -> None:
    lines = mistakes("# nothing\n")
    assert len(lines) == 3
    assert lines[1] == "study.toml:1: the study has no [tasks]; add it (effconn init writes a file to start from)"


def test_hostile_names_stay_on_one_line(study_text: str, mistakes: Mistakes) -> None:
    hostile = r'"\u001b[31m\nred"'
    lines = mistakes(study_text + f"\n[regions.{hostile}]\nmask = 3\n[tasks.{hostile}]\nrest = true\n")
    assert len(lines) == 3
    assert not any(letter in line for line in lines for letter in "\n\x1b")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    line=st.integers(0, 68),
    value=st.sampled_from(["3", "[]", "{}", '"x"', "true", "nan", "[[1]]", "1979-05-27", '{ x = "?" }', "[{ y = 1 }]"]),
)
def test_any_value_anywhere_is_accepted_or_told_on_one_line(
    study_text: str, mistakes: Mistakes, line: int, value: str
) -> None:
    rows = study_text.splitlines()
    key, equals, _ = rows[line % len(rows)].partition(" = ")
    rows[line % len(rows)] = f"{key} = {value}" if equals else ""
    assert all(mistake.startswith("study.toml:") and "\n" not in mistake for mistake in mistakes("\n".join(rows)))


def test_one_word_above_the_first_heading_decides_for_model_and_groups_unless_they_say_otherwise(
    study_text: str, tmp_path: Path
) -> None:
    path = tmp_path / "study.toml"
    text = study_text.replace("[group.chance]", '[group.chance]\ncompat = "none"')
    path.write_text(f'compat = "spm25"\n{text}', encoding="utf-8")
    study = read_study(path)
    assert study.dcm is not None
    assert {study.compat, study.dcm.compat, study.group["arms"].compat} == {"spm25"}
    assert study.group["chance"].compat == "none"
    assert describe_inversion(study.dcm).startswith("mode spm25 (bilinear equations, SPM25's noise, SPM25's priors, 1 ")
    path.write_text(study_text.replace("[dcm]", '[dcm]\nnoise = "white"\ncentre_inputs = true'), encoding="utf-8")
    mixed = read_study(path).dcm
    assert mixed is not None
    assert describe_inversion(mixed).startswith("mode none, but noise = 'white', inputs centred (full equations, white")


def test_a_comparison_of_one_dcm_of_several_has_a_reserved_name(study_text: str, mistakes: Mistakes) -> None:
    text = study_text.partition("[group.")[0].replace("[dcm", "[dcm.x")
    text += text[text.index("[dcm.x]") :].replace("[dcm.x", "[dcm.y") + '[group.models-X]\ndcm = "x"\n'
    (mistake,) = mistakes(text)
    assert "models-X is what the comparison of [dcm.x.models] is called" in mistake


@pytest.mark.parametrize("model", ["change-by-arm", "change-by-arm-and-covariates", "baseline-by-arm"])
def test_every_model_by_arm_is_of_two_groups(
    mistakes: Callable[..., tuple[str, ...]], study_text: str, model: str
) -> None:
    covariates = 'covariates = ["improvement"]\n' * model.endswith("covariates")
    text = f'{study_text}[predict.x]\noutcome = "improvement"\nmodel = "{model}"\n{covariates}'
    assert mistakes(text) == ()
    text = text.replace('"ketamine", "midazolam"', '"a", "b", "c"').replace('analysis = "arms"\n', "")
    assert any(f"'{model}' is of two groups, and the study has 3" in line for line in mistakes(text))

"""A prediction handed over: a page, tables, JSON, and what a report reads again."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
from made_up_prediction import made_up_prediction, null_prediction
from report_texts import report_texts

from features import PermutationTest
from pipeline.page._analysis_report import print_and_save, report_json
from pipeline.page._stored_report import read_report, save_report
from pipeline.predict._prediction_report import report_elastic_net

HOSTILE = "<script>alert({})</script>"


def test_everything_asked_for_is_written_and_read_again(tmp_path: Path) -> None:
    report = report_elastic_net(made_up_prediction(measures=3, missing=0.2))
    files = save_report(report, tmp_path)
    assert all(file.is_file() for file in files)
    back = read_report(tmp_path)
    assert back.answers == report.answers
    assert back.notices == report.notices
    assert [record.tsv() for record in back.records] == [record.tsv() for record in report.records]
    sections = [section.title for section in back.draw()]
    assert sections == ["Observed and predicted", "Predictors", "Arms", "Choice of the penalty", "Missing values"]


def test_names_of_pictures_are_words_of_our_own() -> None:
    for found in (made_up_prediction(measures=2, label=HOSTILE, missing=0.2), null_prediction()):
        names = [picture.name for section in report_elastic_net(found).draw() for picture in section.pictures]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[a-z-]+", name) for name in names)


def test_a_page_and_the_terminal_show_names_from_data_as_text(tmp_path: Path) -> None:
    found = made_up_prediction(measures=2, label=HOSTILE, arms=("<i>", "[bold]x"))
    print_and_save(report_elastic_net(found), tmp_path, tmp_path / "found.json")
    page = (tmp_path / "prediction.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    content = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert content["predictors"][0]["predictor"] in found.names


def test_json_holds_every_number_by_name() -> None:
    found = made_up_prediction()
    assert found.nested is not None
    assert found.stability is not None
    content = json.loads(json.dumps(report_json(report_elastic_net(found))))
    assert content["published"]["coefficients"] == dict(
        zip(found.names, found.in_sample.coefficients.tolist(), strict=True)
    )
    assert content["published"]["r_squared"] == found.in_sample.r_squared
    assert content["nested"]["q_squared"] == found.nested.q_squared
    assert content["stability"]["bootstraps"][found.names[0]] == found.stability.bootstraps[0]
    assert content["chance"]["p_value"] == 0.02
    assert content["counts"] == {"people": 21, "predictors": 17, "retained": len(found.retained)}


def test_numbers_that_are_not_finite_are_null_and_read_again(tmp_path: Path) -> None:
    """As where the others of a participant have one outcome, or all predictions are the same."""
    found = made_up_prediction(measures=3)
    assert found.nested is not None
    penalties = found.nested.penalties.copy()
    penalties[0] = np.inf
    odd = report_elastic_net(replace(found, nested=replace(found.nested, penalties=penalties, correlation=np.nan)))
    save_report(odd, tmp_path)
    for name in ("delivery.json", "prediction.json"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert "NaN" not in text
        assert "Infinity" not in text
    content = json.loads((tmp_path / "prediction.json").read_text(encoding="utf-8"))
    assert content["nested"]["relative_penalties"][:2] == [None, penalties[1]]
    assert content["nested"]["correlation"] is None
    assert [record.tsv() for record in read_report(tmp_path).records] == [record.tsv() for record in odd.records]


def test_what_was_not_done_is_null_and_said() -> None:
    found = replace(made_up_prediction(), nested=None, permutation=None, stability=None)
    report = report_elastic_net(found)
    content = report_json(report)
    assert content["nested"] is content["chance"] is content["stability"] is None
    facts = dict(report.facts)
    assert (facts["Left out"], facts["Chance"], facts["Stability"]) == ("nobody", "not tested", "no bootstraps")


def test_shuffles_that_ended_early_are_said() -> None:
    found = made_up_prediction()
    early = replace(found, permutation=PermutationTest(100, 150, 100 / 150, 0.58, 0.74, 0))
    assert (
        "Q² of 150 shuffled outcomes, all repeated for each, which settled p before 199 were done"
        in dict(report_elastic_net(early).facts)["Chance"]
    )


def test_the_grid_of_the_nested_estimate_is_said_where_it_is_another() -> None:
    found = made_up_prediction()
    coarse = replace(found, settings=replace(found.settings, nested_alphas=(0.5,), nested_penalties=20, folds=5))
    facts = dict(report_elastic_net(coarse).facts)
    assert "α = 0.5, 20 penalties" in facts["Left out"]
    assert "2 α from 0.5 to 1" in facts["Candidates"]
    assert "in 5 groups" in facts["Left out"]


def test_of_two_groups_that_are_no_arms_only_the_formula_speaks_of_an_arm() -> None:
    """`arm` is the formula's own word for either, and is left as it was written."""
    found = replace(made_up_prediction(measures=3, missing=0.2), group_word="group")
    arms = [text for text in report_texts(report_elastic_net(found)) if re.search(r"\b[Aa]rms?\b", text)]
    assert [text.removeprefix("elastic net; ") for text in arms[1:]] == [f"change-by-arm: {found.formula}"]
    assert arms[0].endswith("(model change-by-arm).")

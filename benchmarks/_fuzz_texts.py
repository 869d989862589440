"""Good tables, sidecars and configurations, for the fuzzer to damage."""

from __future__ import annotations

from typing import Any

import numpy as np

EVENTS = "onset\tduration\ttrial_type\trating\n" + "".join(
    f"{10 * i}\t{5 + i % 2}\t{('faces', 'shapes')[i % 2]}\t{i if i % 3 else 'n/a'}\n" for i in range(8)
)
PARTICIPANTS = "participant_id\tarm\tage\n" + "".join(
    f"sub-{i:02d}\t{('drug', 'placebo')[i % 2]}\t{20 + 3.5 * i**1.5:.2f}\n" for i in range(1, 5)
)
PEOPLE = "participant_id\tarm\tscore\tage\tm1\tm2\n" + "".join(
    f"p{i}\t{'ab'[i % 2]}\t{(7 * i) % 11 + 0.5}\t{30 + (5 * i) % 13}\t{np.sin(i):.3f}\t{np.cos(3 * i):.3f}\n"
    for i in range(1, 13)
)
SPACE = "model\tA[a<-b]\tB[a<-b, x]\tfamily\nfull\t1\t1\tone\nnone\t1\t0\ttwo\n"
TIMING = {"RepetitionTime": 2.0, "EchoTime": 0.03, "StartTime": 1.0, "SkullStripped": False, "TaskName": "faces"}
DELIVERY: dict[str, Any] = {
    "name": "fit",
    "title": "Effects",
    "subtitle": "A study",
    "answers": [{"question": "Any?", "verdict": "yes", "headline": "One.", "details": ["first", "second"]}],
    "records": [
        {
            "name": "effects",
            "title": "Effects",
            "lead": "All.",
            "columns": [
                {"key": "name", "heading": "Name", "form": "", "where": "everywhere"},
                {"key": "mean", "heading": "Mean", "form": "+.3f", "where": "everywhere"},
            ],
            "rows": [{"name": "A", "mean": 0.25}, {"name": "B", "mean": None}],
            "marked": [0],
            "sure": [1],
        }
    ],
    "sections": [{"title": "Pictures", "lead": "Of effects.", "pictures": []}],
    "facts": [["Release", "0.1"]],
    "notices": [["Note", "a text"]],
    "summary": {"free_energy": -12.5},
}
STUDY = """\
# A study of the fuzzer's
[study]
name = "Fuzzed"
bids = "bids"
derivatives = "bids/derivatives/fmriprep"
space = "MNI152NLin2009cAsym"

[participants]
arms = ["drug", "placebo"]

[sessions]
before = "ses-1"
after = "ses-2"

[scores]
improvement = { column = "caps", take = "once" }

[tasks.faces]
conditions = { faces = ["faces"], shapes = ["shapes"] }
contrasts = { "faces-over-shapes" = "faces - shapes" }

[tasks.rest]
rest = true

[regions]
vmPFC = { sphere = { centre = [0, 44, -12], radius = 8 } }
amygdala = { sphere = { centre = [24, -4, -20], radius = 6.5 } }

[dcm]
task = "faces"
regions = ["vmPFC", "amygdala"]
inputs = { task = ["faces", "shapes"], faces = ["faces"] }
b = { faces = ["vmPFC <- amygdala"] }
c = { task = ["amygdala"] }

[glm]
high_pass = 128

[predict.change]
outcome = "improvement"
model = "change-by-arm"
"""

"""`effconn specify`: VOI files, SPM.mat and a model in, DCM files out, for one participant or many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..common import UsageError, merge_remarks, print_line, print_message, print_table, progress, release, write_json
from ._guard import guarded
from ._options import Debug, Json

if TYPE_CHECKING:
    from ..inversion import SpecifiedFile

HELP = (
    "Specify one model for many participants from SPM's VOI_*.mat and SPM.mat: a DCM_*.mat for each, which SPM and "
    "effconn invert read. MODEL.toml has a table \\[dcm] with regions, inputs, a, b, c, d, delays, echo_time, "
    "centre_inputs, session and name."
)
EXAMPLE = "effconn specify model.toml first_level/sub-* --out dcm"


@guarded
def command(
    model: Annotated[Path, typer.Argument(metavar="MODEL.toml", help="The model: a table \\[dcm], as in a study.")],
    folders: Annotated[
        list[Path],
        typer.Argument(help="First-level folders, each with an SPM.mat; or a folder of such, however deep."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the DCM files.")],
    voi: Annotated[
        str,
        typer.Option(
            metavar="'GLOB'", help="Where the VOIs are, from the folder of each SPM.mat, such as '../voi/VOI_*_1.mat'."
        ),
    ] = "VOI_*.mat",
    force: Annotated[bool, typer.Option("--force", help="Write over DCM files that are there.")] = False,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Specify; 0 where every participant has a file, 1 where any has none."""
    from ..inversion import SPECIFY_COLUMNS, find_participant_folders, specify_group
    from ..study import read_model_file

    specified = read_model_file(model)
    participants = find_participant_folders(folders, voi)
    if not any(participant.vois for participant in participants):
        raise UsageError(f"no folder has a VOI that fits {voi!r}; say where they are by --voi")

    def report(file: SpecifiedFile) -> None:
        if file.failure:
            print_message(f"{file.participant}: {file.failure}")

    with progress(f"specifying {len(participants)} participants") as bar:
        files = specify_group(specified, participants, out, replace=force, on_file=report, on_progress=bar)
    done = [file for file in files if file.source is not None]
    for line in merge_remarks((file.participant, text) for file in done if file.source for text in file.source.remarks):
        print_message(line)
    print_table(SPECIFY_COLUMNS, [file.row() for file in files], left=(0, 1, 5))
    failed = len(files) - len(done)
    print_line(f"{len(done)} specified{f', {failed} not' if failed else ''}; files in {out}")
    if done:
        print_message(f"next: effconn invert {out}/DCM_*.mat --out results")
    if json is not None:
        made = [file.to_json() for file in done]
        failures = [file.to_json() for file in files if file.failure]
        write_json(json, {"effconn": release(), "model": str(model), "specified": made, "failed": failures})
    return 1 if failed else 0

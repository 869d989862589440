"""Pages in a real browser: what in them acts, and what their policy refuses; one start for all of them."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

# Every page is a frame of one that may look into them; frames obey the policies of their own.
_LOOK = """
function look(frame) {
  const page = frame.contentDocument, view = frame.contentWindow;
  const all = Array.from(page.querySelectorAll("*"));
  const names = page.getElementsByTagName("*");
  const ids = all.map(one => one.id).filter(id => id);
  return {
    title: page.title,
    pwned: Boolean(view.pwned || window.pwned || page.title === "pwned"),
    live: all.filter(one => /^(img|iframe|object|embed|form|link|base|audio|video|foreignobject|animate|set)$/i
      .test(one.localName)).map(one => one.localName),
    scripts: Array.from(page.scripts).map(one => one.textContent),
    handlers: all.flatMap(one => Array.from(one.attributes)).filter(one => /^on|^style$|^srcdoc$/i.test(one.name))
      .map(one => one.name),
    links: all.flatMap(one => Array.from(one.attributes)).filter(one => /href$|^src$|^action$/i.test(one.name))
      .map(one => one.value.slice(0, 60)),
    repeated: ids.filter((id, place) => ids.indexOf(id) !== place),
    wide: page.documentElement.scrollWidth - view.innerWidth,
    text: page.body.innerText,
  };
}
window.addEventListener("load", function () {
  setTimeout(function () {
    const found = Array.from(document.querySelectorAll("iframe")).map(look);
    document.body.innerHTML = "";
    const out = document.createElement("pre");
    out.textContent = "FOUND" + JSON.stringify(found) + "END";
    document.body.append(out);
  }, 300);
});
"""


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page: `look` of the script above, and lines of the console about it."""

    found: Mapping[str, Any]
    console: tuple[str, ...]


def find_browser() -> str | None:
    """A browser that can be driven without a screen; None where there is none."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def look_at(browser: str, pages: Mapping[str, str], folder: Path, width: int = 1280) -> dict[str, Seen]:
    """Every page, by its name, as the browser has it."""
    for name, content in pages.items():
        (folder / f"{name}.html").write_text(content, encoding="utf-8")
    frames = "".join(f'<iframe src="{name}.html" width="{width}" height="800"></iframe>' for name in pages)
    looking = folder / "all.html"
    looking.write_text(f"<!doctype html><body>{frames}<script>{_LOOK}</script></body>", encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--no-first-run"]
    options += ["--enable-logging=stderr", "--v=0", "--virtual-time-budget=4000", "--dump-dom"]
    done = subprocess.run(
        [browser, *options, f"--user-data-dir={folder / 'profile'}", looking.as_uri()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "HOME": str(folder)},
    )
    found = re.search(r"FOUND(.*)END", done.stdout, re.DOTALL)
    assert found is not None, done.stderr[-2000:]
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    seen = json.loads(html.unescape(found.group(1)))
    return {
        name: Seen(page, tuple(line for line in console if f"{name}.html" in line))
        for name, page in zip(pages, seen, strict=True)
    }

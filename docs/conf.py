"""The site: Sphinx with the gallery of `examples/`; `make docs` builds it, offline, with warnings as errors."""

from __future__ import annotations

import os
import re
import sys
from html import escape
from importlib import metadata
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("JAX_ENABLE_X64", "1")  # every script of the gallery runs in this process

project = "effconn"
author = "The effconn developers"
copyright = "2026, the effconn developers"
release = version = metadata.version("effconn")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "gallery/**/*.ipynb", "sg_execution_times.rst", "gallery/sg_execution_times.rst"]
default_role = "code"

# Docstrings say Arguments and Fields; signatures carry the types and shapes.
napoleon_google_docstring = True
napoleon_numpy_docstring = False
strip_signature_backslash = True  # of arguments that end with _, as scikit-learn has them
napoleon_custom_sections = [("Fields", "params_style"), ("Fitted", "params_style")]
autosummary_generate = True
templates_path = ["_templates"]  # a class's page is its docstring and members, without a second list of them
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "special-members": "__getitem__"}  # fields stand in the class's docstring
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence", "attrs_inline"]
myst_heading_anchors = 3

SECTIONS = ("tutorials", "first_level", "group", "prediction", "files")
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py",
    "ignore_pattern": r"slurm_",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "plot_gallery": os.environ.get("EFFCONN_GALLERY", "run") == "run",
    "abort_on_example_error": True,
    "subsection_order": [f"../examples/{section}" for section in SECTIONS],
    "within_subsection_order": "FileNameSortKey",
    "doc_module": (),
}

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["effconn.css"]
html_title = "effconn"
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "header_links_before_dropdown": 8,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_last_updated_fmt = None


def add_mathml(app: Sphinx) -> None:
    """Equations as MathML, which browsers draw themselves: the site needs no script from anywhere."""

    def drawn(node: nodes.Element, as_block: bool) -> str:
        try:
            return str(tex2mathml(node.astext(), as_block=as_block))
        except MathError as error:
            logger.warning("%s in the equation %s", error, node.astext(), location=node)
            return escape(node.astext())

    def inline(writer: Any, node: nodes.math) -> None:
        writer.body.append(drawn(node, as_block=False))
        raise nodes.SkipNode

    def block(writer: Any, node: nodes.math_block) -> None:
        writer.body.append(f'<div class="equation">{drawn(node, as_block=True)}</div>')
        raise nodes.SkipNode

    app.add_html_math_renderer("mathml", (inline, None), (block, None))


SECTION = re.compile(r"(Arguments|Fields|Fitted|Returns|Raises|Example|Source)\b(?: \((.*)\))?:$")


def prepare_docstring(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Docstrings are plain text: equations keep their lines, and bars and underscores stand for themselves."""
    prepared: list[str] = []
    section, last = False, ""
    for line in lines:
        found = SECTION.match(line)
        if line and not line.startswith(" "):
            section = found is not None
        if found and found[2]:  # "Fields (v scans):" says what its letters mean
            prepared += [f"{found[2]}.", ""]
            line = f"{found[1]}:"
        if line.startswith("    ") and not last and not section and not line.lstrip().startswith(">>>"):
            prepared += ["::", ""]
        inside_equation = line.startswith("    ") and not section
        prepared.append(line if inside_equation else _escaped(line))
        last = line
    lines[:] = prepared


def _escaped(line: str) -> str:
    """A line in which `|` and a trailing `_` are no markup of reStructuredText, but for what is in backticks."""
    parts = re.split(r"(``.*?``|`.*?`|^    [\w, ]+:)", line)  # napoleon escapes names of arguments itself
    parts[::2] = [re.sub(r"(?<=\w)_(?!\w)", r"\_", part.replace("|", "\u2223")) for part in parts[::2]]
    return "".join(parts)


def setup(app: Sphinx) -> None:
    """What this site adds to Sphinx."""
    app.connect("autodoc-process-docstring", prepare_docstring, priority=400)  # before napoleon
    add_mathml(app)
    app.config.html_math_renderer = "mathml"  # type: ignore[attr-defined]  # Sphinx adds its settings at run time

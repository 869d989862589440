"""The terms of the report in plain sentences: the one source of a page's glossary and of `docs/glossary.md`.

`docs/write_glossary.py` writes the document; a test holds both equal.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True)
class GlossaryEntry:
    """A term.

    Fields:
        anchor: of the entry on a page, without its prefix ``term-``.
        term: its heading.
        text: one or two sentences.
        source: a paper.
        phrases: regular expression of the words that link to it; empty where none do.
    """

    anchor: str
    term: str
    text: str
    source: str
    phrases: str = ""

    @property
    def link(self) -> str:
        """Where words on the page lead."""
        return f"term-{self.anchor}"


GLOSSARY = (
    GlossaryEntry(
        "posterior-mean",
        "Posterior mean (Ep)",
        "The expected value of a parameter given the data and the prior. SPM calls the vector of them Ep, and their "
        "covariance Cp.",
        "Friston et al. 2007, NeuroImage 34:220",
        r"posterior means?|Ep",
    ),
    GlossaryEntry(
        "posterior-sd",
        "Posterior standard deviation",
        "How uncertain a parameter is given the data and the prior: the square root of the diagonal of Cp.",
        "Friston et al. 2007, NeuroImage 34:220",
        r"posterior standard deviations?",
    ),
    GlossaryEntry(
        "credible-interval",
        "Credible interval",
        "The interval that holds a parameter with the stated probability, here 90 %, as much of the rest below it as "
        "above it. It is a statement about this parameter given these data, unlike a confidence interval.",
        "Gelman et al. 2013, Bayesian Data Analysis, 3rd edition, section 2.3",
        r"(90 % )?credible intervals?",
    ),
    GlossaryEntry(
        "variational-laplace",
        "Variational Laplace",
        "The way a DCM is inverted: the posterior is approximated by a Gaussian whose mean climbs to the maximum of "
        "the free energy.",
        "Friston et al. 2007, NeuroImage 34:220",
        r"variational Laplace",
    ),
    GlossaryEntry(
        "free-energy",
        "Free energy (F)",
        "An approximation to the log evidence of a model, in nats: accuracy minus complexity. It compares models of "
        "the same data; a difference of 3 nats is odds of about 20 to 1.",
        "Friston et al. 2007, NeuroImage 34:220; Penny et al. 2004, NeuroImage 22:1157",
        r"free energy",
    ),
    GlossaryEntry(
        "settled-free-energy",
        "Settled free energy",
        "The free energy at the final parameters with the precision of the noise and the effects of confounds at their "
        "optimum, so that starts that stopped early in these can be compared.",
        "Friston et al. 2007, NeuroImage 34:220",
        r"settled free energy",
    ),
    GlossaryEntry(
        "pp",
        "Pp: probability that an effect is present",
        "The posterior probability of the model with an effect against the model without it, from Bayesian model "
        "reduction. It asks whether the effect is needed, not which sign it has.",
        "Friston & Penny 2011, NeuroImage 56:2089; Friston et al. 2016, NeuroImage 128:413",
        r"Pp",
    ),
    GlossaryEntry(
        "probability-of-sign",
        "P(> 0): probability of the sign",
        "The share of the posterior above zero. Values near 0 are as certain of a negative effect as values near 1 are "
        "of a positive one; 0.5 is no information about the sign.",
        "Gelman & Tuerlinckx 2000, Computational Statistics 15:373",
        r"P\((effect |difference |slope )?&gt; 0\)|P\((effect |difference |slope )?&lt; 0\)",
    ),
    GlossaryEntry(
        "model-reduction",
        "Bayesian model reduction",
        "The posterior and the free energy of a model without some parameters, computed from the posterior of the "
        "model with all of them, without inverting anything again.",
        "Friston & Penny 2011, NeuroImage 56:2089",
        r"model reduction|by reduction",
    ),
    GlossaryEntry(
        "empirical-bayes",
        "Empirical Bayes (PEB)",
        "A group model over the participants' posteriors: the group's mean and covariates are estimated together with "
        "the variance between participants, and each participant counts by the precision of the estimates.",
        "Friston et al. 2016, NeuroImage 128:413; Zeidman et al. 2019, NeuroImage 200:12",
        r"(parametric )?empirical Bayes|PEB",
    ),
    GlossaryEntry(
        "shrinkage",
        "Shrinkage",
        "Estimates are drawn towards their prior, or towards the group where the group is the prior, the more the less "
        "the data say about them.",
        "Efron & Morris 1975, Journal of the American Statistical Association 70:311",
        r"shrinkage|shrunk",
    ),
    GlossaryEntry(
        "explained-variance",
        "Explained variance (mean removed)",
        "The variance of a model's prediction as a share of the variance of prediction and residual together, each "
        "about its own mean.",
        "Zeidman et al. 2019, NeuroImage 200:174",
        r"explained variance",
    ),
    GlossaryEntry(
        "q-squared",
        "Q²",
        "One minus the squared error of the predictions of left-out participants over that of the mean of the others. "
        "It is 1 for perfect prediction and 0 or less where the mean predicts as well.",
        "Consonni et al. 2010, Journal of Chemometrics 24:194",
        r"Q²",
    ),
    GlossaryEntry(
        "left-out",
        "Left-out participants",
        "Participants whose outcome is predicted by a model that was fitted, with every step of it, without them. Only "
        "these predictions say how well new participants would be predicted.",
        "Varma & Simon 2006, BMC Bioinformatics 7:91",
        r"left-out participants|participants left out|leave-one-out",
    ),
    GlossaryEntry(
        "elastic-net",
        "Elastic net",
        "A linear regression whose penalty keeps coefficients small and sets many of them to zero.",
        "Zou & Hastie 2005, Journal of the Royal Statistical Society B 67:301",
        r"elastic nets?",
    ),
    GlossaryEntry(
        "shuffles",
        "Shuffles (permutation test)",
        "The analysis is repeated with the outcome shuffled over participants; p is the share of these repetitions, "
        "the actual one among them, that do as well. It cannot be smaller than one over their number.",
        "Phipson & Smyth 2010, Statistical Applications in Genetics and Molecular Biology 9:39",
        r"shuffles|permutation test",
    ),
    GlossaryEntry(
        "to-from",
        "To ← from",
        "A connection is written with its target first: amygdala ← vmPFC is the influence of vmPFC on the amygdala, as "
        "in the row and the column of SPM's matrices.",
        "Friston et al. 2003, NeuroImage 19:1273",
        "[\\w-]+\u00a0←\u00a0[\\w-]+",
    ),
    GlossaryEntry(
        "connectivity-fields",
        "A, B, C and D",
        "A is the connectivity between regions, B what an input adds to a connection, C the direct effect of an input "
        "on a region, and D what the activity of one region adds to a connection of others.",
        "Friston et al. 2003, NeuroImage 19:1273; Stephan et al. 2008, NeuroImage 42:649",
    ),
    GlossaryEntry(
        "hertz",
        "Hz and log scales",
        "A connection between regions is a rate of change in Hz. A self-connection is inhibitory: its parameter, on "
        "the diagonal of A, is the log of a factor of −0.5 Hz.",
        "Zeidman et al. 2019, NeuroImage 200:174",
        r"log scales?",
    ),
    GlossaryEntry(
        "eigenvariate",
        "First eigenvariate",
        "The series that explains most of the variance of a region's voxels: their first principal component.",
        "Zeidman et al. 2019, NeuroImage 200:174",
        r"(first )?eigenvariates?",
    ),
    GlossaryEntry(
        "framewise-displacement",
        "Framewise displacement (FD)",
        "How far the head moved from one scan to the next, in mm: the sum of the absolute changes of the six motion "
        "parameters, rotations as arcs on a sphere of 50 mm.",
        "Power et al. 2012, NeuroImage 59:2142",
        r"framewise displacement|FD",
    ),
    GlossaryEntry(
        "gppi",
        "Psychophysiological interaction (gPPI)",
        "How much the coupling of two regions changes with the task, as a regression weight.",
        "McLaren et al. 2012, NeuroImage 61:1277",
        r"gPPI|psychophysiological interactions?",
    ),
    GlossaryEntry(
        "crossnobis",
        "Crossnobis distance",
        "The cross-validated Mahalanobis distance of two patterns of voxels; its expectation is zero where the "
        "patterns do not differ.",
        "Walther et al. 2016, NeuroImage 137:188",
        r"crossnobis",
    ),
)


def term_linker() -> Callable[[str], Markup]:
    """A function that escapes a text and links each term of the glossary where it is first used; one for each page."""
    unused = {entry.link: _pattern(entry) for entry in GLOSSARY if entry.phrases}

    def link(text: str) -> Markup:
        escaped = str(escape(text))
        matches = {name: match for name, pattern in unused.items() if (match := pattern.search(escaped))}
        end, parts = 0, list[str]()
        for name, match in sorted(matches.items(), key=lambda pair: (pair[1].start(), -pair[1].end())):
            start, stop = match.span()
            if start >= end:  # not within a longer term
                parts += [escaped[end:start], f'<a class="term" href="#{name}">{escaped[start:stop]}</a>']
                end = stop
                del unused[name]
        return Markup("".join([*parts, escaped[end:]]))

    return link


def _pattern(entry: GlossaryEntry) -> re.Pattern[str]:
    """Of whole words, in escaped text, with any space where the phrase has one; the first letter may be a capital."""
    phrases = entry.phrases.replace(" ", "[ \u00a0]")
    return re.compile(
        rf"(?<![\w&-])(?:{phrases})(?![\w-])", re.IGNORECASE if entry.phrases == entry.phrases.lower() else 0
    )


def glossary_document() -> str:
    """`docs/glossary.md`."""
    parts = [
        "# Glossary\n\nTerms of the report and of this documentation. The report ends "
        "with the same entries: both are made from `pipeline/page/_glossary.py`.\n"
    ]
    parts += [f"\n## {entry.term}\n\n{entry.text}\n\n*{entry.source}*\n" for entry in GLOSSARY]
    return "".join(parts)

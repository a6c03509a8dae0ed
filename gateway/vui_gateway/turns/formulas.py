"""Formulas in LaTeX, as a person reads them."""

from __future__ import annotations

import re

__all__ = ["command", "exponent", "formula", "power"]

COMMAND_WORDS = {
    "times": "times", "cdot": "times", "div": "divided by", "pm": "plus or minus",
    "mp": "minus or plus", "leq": "is at most", "le": "is at most", "geq": "is at least",
    "ge": "is at least", "lt": "<", "gt": ">", "neq": "is not", "ne": "is not",
    "approx": "is about", "sim": "is about", "equiv": "is the same as", "infty": "infinity",
    "to": "to", "rightarrow": "to", "Rightarrow": "so", "implies": "so", "sum": "the sum of",
    "int": "the integral of", "prod": "the product of", "circ": "degrees", "degree": "degrees",
    "ldots": "and so on", "dots": "and so on", "cdots": "and so on", "sqrt": "the square root of",
    "forall": "for all", "exists": "there is", "percent": "percent",
    **{name: name for name in ("log", "ln", "lim", "sin", "cos", "tan", "exp", "det", "gcd")},
}  # fmt: skip
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega"
)
COMMAND_WORDS |= {name: name for name in GREEK.split()}
UNSAID = (
    "left right big Big bigg Bigg displaystyle quad qquad limits mathrm mathbf mathbb mathcal "
    "mathit operatorname text textbf textit boxed vec hat bar tilde overline underline "
    "bigl bigr Bigl Bigr"
)
SILENT = frozenset(UNSAID.split())
POWERS = {"2": "squared", "3": "cubed", "\\circ": "degrees", "\\prime": "prime"}

GROUP = r"\s?\{((?:[^{}]|\{[^{}]*\})*)\}"
FRACTION = re.compile(rf"\\[dtc]?frac{GROUP}{GROUP}")
ROOT = re.compile(rf"\\sqrt{GROUP}")
LATEX_ENVIRONMENT = re.compile(r"\\(?:begin|end)\{\w+\*?\}")
POWER = re.compile(r"\s?\^\s?(?:\{([^{}]*)\}|(\\[a-z]+|[^\s{}]))")
COMMAND_NAME = re.compile(r"\\([a-zA-Z]+)")
SPACE = re.compile(r"\\[,;:! ]|\\\\|[&~{}_\[\]\s]+")
# In a line of text: a command of its own, with an index, or one with its arguments.
IN_BRACES = r"\{(?:[^{}\n]|\{[^{}\n]{0,80}\}){0,120}\}"
HOLDS = (
    r"(?:boxed|text(?:bf|it)?|math(?:rm|bf|bb|cal|it)|operatorname|vec|hat|bar|tilde|overline"
    r"|underline|sqrt)"
)
COMMAND = re.compile(
    rf"\\(?:{HOLDS}{IN_BRACES}|[dt]?frac{IN_BRACES}{IN_BRACES}"
    rf"|(?:{'|'.join(sorted(COMMAND_WORDS, key=len, reverse=True))})(?![a-zA-Z])"
    r"(?:_(?:\{[^{}\n]{0,20}\}|\w))?"
    r"|(?:left|right|[bB]igg?[lr]?)(?=[(\[|)\]\\/<>])|(?:begin|end)\{[a-zA-Z]{1,12}\*?\})"
)
# A part at the end of a piece that may become one.
COMMAND_PART = re.compile(
    rf"\\(?:[a-zA-Z]{{0,12}}|[a-zA-Z]{{2,12}}_(?:\{{[^{{}}\n]{{0,20}}\}}?|\w)?"
    rf"|(?:begin|end)\{{[a-zA-Z]{{0,12}}\*?\}}?|(?:{HOLDS}|[dt]?frac)\{{[^\n]{{0,240}})\Z"
)
INDEX_PART = re.compile(r"\\[a-zA-Z]{2,12}_(?:\{[^{}\n]{0,20})?\Z")

# Between dollars: an amount of money has words or marks behind its number.
DOLLAR_FORMULA = re.compile(r"\$(?=\S)([^$\n]{1,160}?)(?<=[^\s\\])\$(?!\d)")
# Two words, or a letter that is neither Latin nor Greek; not in braces.
PROSE = re.compile(
    r"(?<!\\)(?<![^\W\d_])[^\W\d_]{2,}[ ,]+[^\W\d_]{2,}"
    r"|[^\x00-\u03ff\u1d00-\u2bff\U0001d400-\U0001d7ff]"
)
# Four words: a sentence goes on behind a mark that nobody closes.
FOUR_WORDS = re.compile(r"(?: [^\W\d_]{2,}[,.]?){4}")
BRACED = re.compile(r"\{[^{}]*\}?")
MONEY = re.compile(r"\d[\d.,]*+(?:[kKMBbm]?\s+[^\W\d_]{2}|\s*[^\w\s\\^+=*/<>{}$()-])")
FORMULA_MARKS = re.compile(r"[\\^_={}+<>()]|\A-?[\w.,]{1,5}\Z")
FORMULA_SPANS = {
    "\\(": re.compile(r"\\\((.{0,600}?)\\\)", re.DOTALL),
    "\\[": re.compile(r"\\\[(.{0,600}?)\\\]", re.DOTALL),
    "$$": re.compile(r"\$\$(.{1,600}?)\$\$", re.DOTALL),
    "\\b": re.compile(
        r"\\begin\{\w{1,12}\*?\}((?:(?!\\begin).){0,600}?)\\end\{\w{1,12}\*?\}", re.DOTALL
    ),
}
BEGINS = "\\begin{"  # an environment; other commands have the same two characters
EXPONENT = re.compile(r"\^(?:\{([^{}\n]{1,20})\}|(-?\d{1,4}|\\circ|[a-zA-Z](?!\w))\^?)")
EXPONENT_PART = re.compile(r"\^(?:\{[^{}\n]{0,20}|-?\d{0,4}\^?|\\[circ]{0,4}|[a-zA-Z]\^?)\Z")
MOST = 600  # characters that are waited for


def read(formula: str) -> str:
    """The speech for a formula."""
    formula = LATEX_ENVIRONMENT.sub(" ", formula)
    for _ in range(3):  # as deep as they nest
        before = formula
        formula = FRACTION.sub(r" {\1} over {\2} ", formula)
        formula = ROOT.sub(r" the square root of {\1} ", formula)
        if formula == before:
            break
    formula = POWER.sub(lambda found: power(found[1] or found[2]) + " ", formula)
    formula = COMMAND_NAME.sub(lambda found: _word(found[1]), formula.replace("\\%", "%"))
    formula = SPACE.sub(" ", formula.replace("*", " times "))
    return " ".join(re.sub(r"\s+([,.;:)])", r"\1", formula).split())


def formula(text: str, at: int, *, final: bool) -> tuple[str, int]:
    """The speech for a formula that begins here, and where it ends: `at` for none, -1 to wait."""
    mark = text[at : at + 2]
    if mark == BEGINS[:2] and not text.startswith(BEGINS, at):
        return "", at
    if span := FORMULA_SPANS.get(mark):
        found = span.match(text, at)
        inside = found[1] if found else text[at : at + MOST]
        if FOUR_WORDS.search(BRACED.sub("", inside)):
            return "", at
        if found:
            return read(inside), found.end()
        return "", at if final or len(text) - at > MOST else -1
    if found := DOLLAR_FORMULA.match(text, at):
        if found.end() == len(text) and not final:
            return "", -1  # a digit behind it is money
        inside = found[1]
        if FORMULA_MARKS.search(inside) and not _is_prose(inside):
            return read(inside), found.end()
        return "", at
    rest = text[at + 1 : at + 162]
    waits = len(rest) <= 160 and "\n" not in rest and rest[:1] != " "
    if final or not waits or _is_prose(rest):
        return "", at
    return "", -1


def _is_prose(text: str) -> bool:
    """Whether the text behind a dollar is no formula."""
    return bool(MONEY.match(text) or PROSE.search(BRACED.sub("", text)))


def command(text: str, at: int, *, final: bool) -> tuple[str, int]:
    """The same for a command in a line, with its arguments."""
    found = COMMAND.match(text, at)
    whole = found and found.end() < len(text) and not INDEX_PART.match(text, at)
    if not (whole or final) and COMMAND_PART.match(text, at):
        return "", -1
    return (read(found[0]), found.end()) if found else ("", at)


def power(exponent: str) -> str:
    """The speech for an exponent, behind a space."""
    return f" {POWERS.get(exponent.strip()) or f'to the power of {exponent}'}"


def _word(name: str) -> str:
    return " " if name in SILENT else f" {COMMAND_WORDS.get(name, name)} "


def exponent(text: str, at: int, before: str, *, final: bool) -> tuple[str, int]:
    """The same for an exponent behind a number or a name."""
    if not final and EXPONENT_PART.match(text, at):
        return "", -1
    found = EXPONENT.match(text, at)
    if not found or not (before[-1:].isalnum() or before[-1:] == ")"):
        return "^", at + 1
    spaced = text[found.end() : found.end() + 1].isalnum()
    raised = found[1] or found[2]
    said = power(raised if raised in POWERS else read(raised))
    return said + " " * spaced, found.end()

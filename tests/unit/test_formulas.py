"""Formulas in LaTeX as a person reads them, and money as it stands."""

from __future__ import annotations

import pytest
from vui_gateway.turns.formulas import command, exponent, formula, power, read

from tests.support.said import cuts, heard


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (r"\frac{1}{2}", "1 over 2"),
        (r"\frac{\frac{1}{2}}{x}", "1 over 2 over x"),
        (r"E = mc^2", "E = mc squared"),
        (r"\sqrt{b^{2}} \leq \pi", "the square root of b squared is at most pi"),
        (r"90^\circ", "90 degrees"),
        (r"2^{10}", "2 to the power of 10"),
        (r"\begin{align} a &= b \\ c &= d \end{align}", "a = b c = d"),
        (r"\unknown{x}", "unknown x"),
        (r"x \in \left[-1, 1\right]", "x in -1, 1"),  # vui leaves out what is in brackets
    ],
)
def test_a_formula_is_read(text: str, said: str) -> None:
    assert " ".join(read(text).split()) == said


IN_TEXT = {
    r"It is \left(x + 1\right) so.": "It is (x + 1) so.",
    r"The \vec{x} is.": "The x is.",
    r"It is \log_2 8 or \log_{10} x.": "It is log 2 8 or log 10 x.",
    r"So \begin{aligned}x&=1\\y&=2\end{aligned} it is.": "So x =1 y =2 it is.",
    r"\begin{itemize} Here are some more words \end{itemize}": "Here are some more words",
    r"In C:\left\new it is.": r"In C:\left\new it is.",
}


@pytest.mark.parametrize("text", IN_TEXT)
def test_a_formula_without_dollars_is_read_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        assert heard(pieces) == IN_TEXT[text], pieces


@pytest.mark.parametrize("text", ["$5 and $10", "$5-$10 a day", "$ 5", "$HOME is set"])
def test_money_is_no_formula(text: str) -> None:
    said, end = formula(text, 0, final=True)
    assert end == 0 or said.startswith("$")


def test_what_may_become_a_formula_is_waited_for() -> None:
    assert formula("$x^", 0, final=False)[1] == -1
    assert command(r"\fra", 0, final=False)[1] == -1
    assert exponent("^{1", 0, "x", final=False)[1] == -1


@pytest.mark.parametrize("text", [r"\boxed{42} and", r"\begin{align} a", r"\section{A} is"])
def test_a_command_that_is_whole_or_unknown_is_not_waited_for(text: str) -> None:
    assert command(text, 0, final=False) == command(text, 0, final=True)


def test_a_power_has_its_word() -> None:
    assert [power(p).strip() for p in ("2", "3", "n")] == ["squared", "cubed", "to the power of n"]

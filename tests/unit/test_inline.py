"""What is said of marks within a line: those that the examples of real models don't have."""

from __future__ import annotations

import pytest
from vui_gateway.turns.markup import host
from vui_gateway.turns.plain_speech import PlainSpeech

from tests.support.said import cuts

SAID = {
    "It was so【4:0†source】 then.": "It was so then.",
    "A 【 that nobody closes.": "A 【 that nobody closes.",
    "【注意】今天【第1章】下雨【5†source】。": "【注意】今天【第1章】下雨。",
    "A【12】 b【1:0†a.pdf】 c【source】.": "A b c.",
    r"So $v = 5 \text{ км в час}$ it is.": "So v = 5 км в час it is.",
    "[1]: https://a.org/b\nIt rains.": "It rains.",
    "It rains[1, 2] a lot [^note] [12].": "It rains a lot  .",
    "Sorted: [1, 2, 3]. In [1999], [3-2].": "Sorted: 1, 2, 3. In 1999, 3-2.",
    "[2, 3, 5]": "2, 3, 5",
    r"C:\new\times\to here, 2\times 3.": r"C:\new\times\to here, 2times 3.",
    "See [this][1], or [that] too.": "See this, or [that] too.",
    r"2 \times 3, 6 \div 2 and \(x\).": "2 times 3, 6 divided by 2 and x.",
    r"A \# and \z.": r"A # and \z.",
    "this | that, and a|b.": "this , that, and a|b.",
    "Write to <mailto:a@b.org> or <x@y.z>.": "Write to a@b.org or x@y.z.",
    "AT&amp;T, 5 &gt; 3, &nosuch; &": "AT&T, 5 > 3, &nosuch; &",
    "One<hr/>two<p>three</p>": "One two. three. ",
    "xhttp://a.b is none, wwwhat neither.": "xhttp://a.b is none, wwwhat neither.",
    "No! Really![x](y)": "No! Really!x",
    "It is O(n*m), x*y or *so*, and n*ot it.": "It is O(n times m), x times y or so, and not it.",
    "data*2, x**2, **2*3 = 6**.": "data times 2, x to the power of 2, 2 times 3 = 6.",
    "A ` b ` c.": "A  b  c.",
    "f([1, 2]), x=[3, 4] and so[5, 6].": "f(1, 2), x=3, 4 and so.",
    "One.\r\n\r\nTwo\r\nthree.": "One.\n\nTwo\nthree.",
    "用 <div> 标签。": "用 <div> 标签。",
}


@pytest.mark.parametrize("text", SAID)
def test_it_is_said_as_a_person_reads_it_wherever_it_is_cut(text: str) -> None:
    for pieces in cuts(text, 2):
        speech = PlainSpeech()
        said = "".join(map(speech.feed, pieces)) + speech.feed("", final=True)
        assert said == SAID[text], pieces


@pytest.mark.parametrize(
    ("url", "said"),
    [("https://www.a.org/b?c=d", "a.org"), ("http://a.org:8080", "a.org:8080"),
     ("www.b.de", "b.de"), ("https://", ""), ("HTTPS://A.org#x", "A.org")],
)  # fmt: skip
def test_of_an_address_its_host_is_said(url: str, said: str) -> None:
    assert host(url) == said


@pytest.mark.parametrize("mark", ["\\(", "\\[", "$$", "【", "5$. ", "$"])
def test_a_mark_that_nobody_closes_holds_few_words_back(mark: str) -> None:
    speech = PlainSpeech()
    text = f"It is {mark}and so we all went to the sea where people sang. Then we came home."
    said = "".join(map(speech.feed, text))
    assert "people sang" in said

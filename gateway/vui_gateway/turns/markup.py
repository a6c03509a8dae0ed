"""HTML, addresses and code within a line."""

from __future__ import annotations

import re

from vui_gateway.providers.mentions import mention
from vui_gateway.turns.formulas import power

__all__ = [
    "EMPHASIS", "SAID_END", "VUI_TAGS", "code", "host", "is_citation", "is_index", "span", "tag",
]  # fmt: skip

# vui's own: https://github.com/fluxions-ai/vui, `clean_llm_text`
VUI_TAGS = frozenset(("breath", "hesitate", "laugh", "sigh", "gasp", "cough"))

# HTML's, and those that speech synthesis reads: https://www.w3.org/TR/speech-synthesis11/,
# https://docs.aws.amazon.com/polly/latest/dg/supportedtags.html, Cartesia's and Orpheus'
# (https://docs.cartesia.ai/build-with-cartesia/sonic-3/ssml-tags,
# https://github.com/canopyai/Orpheus-TTS).
SPEECH_NAMES = (
    "speak break emphasis prosody say-as phoneme audio voice lang mstts:express-as mstts:silence "
    "amazon:effect amazon:emotion amazon:domain emotion speed volume spell whisper whispers "
    "sniffle groan yawn"
)
# Others' names of vui's laugh.
LAUGHS = frozenset(("laughter", "laughs", "laughing", "chuckle", "chuckles", "giggle", "giggles"))
HTML_NAMES = (
    "a abbr article b big blockquote br caption center cite code dd del details dfn div dl dt em "
    "figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark nav ol p "
    "pre q samp section small span strike strong sub summary sup table tbody td tfoot th thead tr "
    "tt u ul var wbr"
)
# A line break stands within a sentence, and a pause: neither is a tag that somebody speaks of.
NEVER_MENTIONED = frozenset(f"br hr wbr {SPEECH_NAMES}".split()) | VUI_TAGS | LAUGHS
TAG_NAMES_SAID = frozenset(HTML_NAMES.split()) | NEVER_MENTIONED
BLOCKS = (
    "p h1 h2 h3 h4 h5 h6 tr div ul ol dl table blockquote summary section article header footer "
    "figcaption caption pre"
)
BLOCK_TAGS = frozenset(BLOCKS.split())
ENTRY_TAGS = frozenset(("li", "td", "th", "dt", "dd"))
HTML = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9:-]{0,20})(?:\s+[\w:-]{1,30}=[^<>\n]{0,300})?\s{0,3}/?>"
)
HTML_PART = re.compile(
    r"</?([a-zA-Z][a-zA-Z0-9:-]{0,20})?(?:\s+(?:[\w:-]{0,30}|[\w:-]{1,30}=[^<>\n]{0,300})?)?/?\Z"
)
COMMENT = re.compile(r"<!--.{0,500}?-->", re.DOTALL)
COMMENT_PART = re.compile(r"<!(?:-(?:-.{0,500})?)?\Z", re.DOTALL)
RAISED = re.compile(r"<sup>\s?(-?\d{1,3})\s?</sup>", re.IGNORECASE)
RAISED_PART = re.compile(r"<sup>[\s\d-]{0,6}(?:</?(?:su?)?p?)?\Z", re.IGNORECASE)
BASE = re.compile(r"(?:\A|[\W\d])(?:[a-zA-Z]|[ckdm]m|\d)\Z|\)\Z")
AUTOLINK = re.compile(
    r"<(?:(https?://[^\s<>]{1,2000})|(?:mailto:)?([^\s<>@]{1,100}@[^\s<>]{1,100}))>"
)
AUTOLINK_PART = re.compile(r"<(?:https?://[^\s<>]{0,2000}|[^\s<>@]{1,99}(?:@[^\s<>]{0,99})?)\Z")
HOST = re.compile(r"(?:https?://)?(?:www\.)?([^/?#\s]*)", re.IGNORECASE)
EMPHASIS = re.compile(r"(?<!\w)_+|_+(?!\w)|[*`]+|~~+")
PRODUCT = re.compile(r"(?<=[\w)])\s?\*\s?(?=[\w(])")
BRACKETS = re.compile(rf"\[(?!(?:{'|'.join(VUI_TAGS)})\])([^\[\]]*)\]")
SPANS = {mark: re.compile(rf"(?<!`){mark}(?!`)|\n") for mark in ("`", "``")}
MOST_SPAN = 200  # characters that are waited for
# After this no mark is missing before a pause; characters that are no word may follow.
SAID_END = re.compile(r"[.!?:;,…。！？：；，、؟؛،।][^\w$€£%<>]*\Z")


CITATION = re.compile(r"\^.*|\d{1,3}")
CITED = re.compile(r"[^\s(\[{=<>:+*/-]\Z")
CITATIONS = re.compile(r"\^.*|\d{1,3}(?:[,;–-]\s?\d{1,3})*")  # behind a word; else it is a list
INDEXED = re.compile(r"(?:\A|\W)[a-z]\Z")  # a citation stands behind a word


def is_index(name: str, before: str) -> bool:
    """Whether a text in brackets is an index, as in a[1]: no citation has that place."""
    return name == "0" or (name.isdigit() and bool(INDEXED.search(before)))


def is_citation(name: str, before: str) -> bool:
    """Whether a text in brackets marks a source; behind a word there may be more of them."""
    if is_index(name, before):
        return False
    return bool((CITATIONS if CITED.search(before) else CITATION).fullmatch(name))


def host(url: str) -> str:
    """The speech for an address."""
    found = HOST.match(url)
    return found[1] if found else ""


def code(text: str) -> str:
    """The speech for code in a line: vui would leave out text in brackets or between stars."""
    text = text.strip()
    if text.startswith(("http://", "https://")) and " " not in text:
        return host(text)
    text = BRACKETS.sub(r" \1 ", PRODUCT.sub(" times ", text))
    return " ".join(EMPHASIS.sub("", text).split())


def span(text: str, at: int, *, final: bool) -> tuple[str, int]:
    """The speech for code that begins here, and where it ends: -1 to wait."""
    mark = "``" if text.startswith("``", at) else "`"
    begin = at + len(mark)
    found = SPANS[mark].search(text, begin, begin + MOST_SPAN)
    if found and (found.end() < len(text) or final or found[0] == "\n"):
        if found[0] != mark:
            return "", begin
        inside = text[begin : found.start()]
        # Behind a mark that nobody closed, it is text: its words stay apart.
        before, after = (" " * end.isspace() for end in (inside[:1], inside[-1:]))
        return before + code(inside) + after, found.end()
    return "", begin if final or len(text) - begin >= MOST_SPAN else -1


def tag(text: str, at: int, before: str, *, final: bool) -> tuple[str, int]:
    """The speech for a tag that begins here, and where the tag ends: -1 to wait.

    before: what was said before it.
    """
    if not final:
        part = HTML_PART.match(text, at)
        name = (part[1] or "").lower() if part else ""
        partial = part and any(known.startswith(name) for known in TAG_NAMES_SAID)
        others = (AUTOLINK_PART, COMMENT_PART, RAISED_PART)
        if partial or any(other.match(text, at) for other in others):
            return "", -1
    if link := AUTOLINK.match(text, at):
        return link[2] or host(link[1]), link.end()
    if comment := COMMENT.match(text, at):
        return "", comment.end()
    if raised := RAISED.match(text, at):
        return (power(raised[1]) if BASE.search(before) else " "), raised.end()
    found = HTML.match(text, at)
    if not found or (name := found[2].lower()) not in TAG_NAMES_SAID:
        return "<", at + 1
    if name not in NEVER_MENTIONED and "=" not in found[0]:
        spoken_of = mention(before, text[at:], 0, found.end() - at, final=final)
        if spoken_of is None:
            return "", -1
        if spoken_of:
            return found[0], found.end()
    return _pause(name, before, closes=bool(found[1])), found.end()


def _pause(name: str, before: str, *, closes: bool) -> str:
    if name in VUI_TAGS | LAUGHS:
        return "" if closes else f"[{'laugh' if name in LAUGHS else name}]"
    if not before.strip():
        return ""
    if name in BLOCK_TAGS or (name in ENTRY_TAGS and not closes):
        mark = "." if name in BLOCK_TAGS else ","
        return " " if SAID_END.search(before) else f"{mark} "
    return " " if name in ("br", "hr") else ""

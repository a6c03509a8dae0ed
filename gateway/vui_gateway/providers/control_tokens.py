"""Control tokens of chat templates that a server leaves in the text, and a filter for them."""

from __future__ import annotations

import re
from enum import Enum

from vui_gateway.providers.mentions import last_before, mention
from vui_gateway.providers.partial import FOLD, held_back, prefixes

__all__ = ["TOKEN", "ControlTokenFilter", "Kind", "kind"]

# https://huggingface.co/docs/transformers/chat_templating: each family of models has its own.
PLAIN_TOKENS = (
    "<s>", "</s>", "<eos>", "<bos>", "<pad>", "<unk>", "<eop>", "<sop>", "<eoa>", "<eoh>", "<eot>",
    "<end_of_turn>", "<start_of_turn>", "<end_of_utterance>", "<end_of_text>", "<begin_of_text>",
    "<turn|>", "<channel|>", "<tool_call|>", "<tool_response|>", "<tool|>", "<image|>",
    "<<sys>>", "<</sys>>", "[inst]", "[/inst]", "[eos]", "[bos]", "[gmask]", "[available_tools]",
    "[/available_tools]", "[tool_results]", "[/tool_results]", "[system_prompt]",
    "[/system_prompt]", "[e~[", "]~b]", "<answer>", "</answer>", "<final_answer>",
    "</final_answer>", "<response>", "</response>", "<output>", "</output>", "<final>", "</final>",
    "<reply>", "</reply>", "<speech>", "</speech>", "<assistant>", "</assistant>",
    "[|user|]", "[|assistant|]", "[|system|]", "[|endofturn|]", "<seed:bos>", "<seed:eos>", "<eod>",
    "<longcat_s>", "<longcat_e>", "<longcat_user>", "<longcat_assistant>", "<longcat_system>",
    "<final_response>", "</final_response>", "<assistant_response>", "</assistant_response>",
    "[end final response]", "<text>", "</text>", "<say>", "</say>", "<spoken>", "</spoken>",
    "<message>", "</message>", "<result>", "</result>", "<spoken_response>", "</spoken_response>",
    "<eos_token>", "<im_end>", "<im_start>", "<end_of_response>", "<end_of_sentence>",
)  # fmt: skip
# Between pipes, of ASCII or as DeepSeek writes them; Gemma 4 leaves out one.
PIPED = r"<[|｜][^<>|｜\s]{1,48}(?:[|｜]>|>)"
# One that ends the turn, and was cut off itself.
CUT = (
    r"<[|｜](?:im_end|e[ao][tm]_id|endoftext|end[_▁]of[_▁](?:turn|text|sentence))[|｜]?"
    r"(?=[^\w|｜>▁])"
)
TOKEN = re.compile("|".join([PIPED, CUT, *map(re.escape, PLAIN_TOKENS)]), re.ASCII | re.IGNORECASE)
PARTIAL = re.compile(r"<[|｜][^<>|｜\s]{0,48}[|｜]?\Z")
TOKEN_PREFIXES, TOKEN_BEGINS = prefixes(PLAIN_TOKENS), re.compile(r"[<\[\]]")
LONGEST_TOKEN = 60
# A line that opens or closes code; one that closes it has nothing else.
FENCE = re.compile(r" {0,3}(`{3,})([^`]*)\Z")
MOST_LINE = 100  # characters of a line that decide whether it is a fence
WORD_CHARACTER = re.compile(r"\w")

END_TOKENS = frozenset(
    ("im_end", "return", "call", "end", "stop", "eop", "end_turn", "endofturn", "endoftext",
     "endofprompt", "e~", "turn_end", "message_end", "endofassistant", "role_end", "flush",
     "seed:eos", "longcat_e", "hy_eos", "hy_place_holder_no_2", "im_sep", "end_response",
     "end_assistant")
)  # fmt: skip
END = re.compile(
    r"eo[tsmdau](_?id|_token)?|end_?+of_?+(?!role|header|think|thought|reason|solution|prefix)\w+"
)
# A turn of somebody else; or of the model, after its own.
OTHERS = re.compile(
    r"user|human|system|^sys$|observation|ipython|environment|customer|developer|instruct|^inst$"
    r"|tool_(?:response|result|output)|^eoh$"
)
OWN = re.compile(r"assistant|chatbot|^model|^bot(?:_token)?$|^gpt$|^response$|^ai$")
# A role follows: "<|im_start|>user".
HEADER_TOKENS = frozenset(
    ("im_start", "start", "start_header_id", "start_of_turn", "start_of_role", "turn", "role",
     "start_of_turn_token", "turn_start", "role_start", "]~b]", "header_start", "message_start")
)  # fmt: skip
ROLE = re.compile(r"[ \t]?+([A-Za-z_]{0,24}+)(?: to=[\w.:-]{0,80}+)?+")
ROLE_GOES_ON = re.compile(r"[ \t]?+[A-Za-z_]{0,24}+(?: (?:to=[\w.:-]{0,80}+|to?)?+)?+\Z")


class Kind(Enum):
    """The effect of a token on the reply."""

    END = "ends the turn"
    OTHERS = "opens a turn of somebody else"
    OWN = "opens a turn of the model"
    HEADER = "opens the turn of a role that follows"
    NOTHING = "is taken out"


# Mistral's template closes the user's turn, and the model's begins.
FIXED = {
    "</s>": Kind.END,
    "</assistant>": Kind.END,
    "[/inst]": Kind.OWN,
    "<response>": Kind.NOTHING,
}


def kind(token: str) -> Kind:
    """The effect of a control token on the reply that it stands in."""
    if (fixed := FIXED.get(token.lower())) or token.startswith(("</", "[/")):
        return fixed or Kind.NOTHING
    name = token.lower().replace("▁", "_").strip("<>|｜[ ")
    if name in ("s", "bos]"):
        return Kind.NOTHING
    if name in HEADER_TOKENS:
        return Kind.END if token.endswith("|>") and not token.startswith("<|") else Kind.HEADER
    name = name.strip("]|")
    if name in END_TOKENS or END.fullmatch(name):
        return Kind.END
    if name.startswith(("end_", "begin_of_text")):
        return Kind.NOTHING
    if OTHERS.search(name):
        return Kind.OTHERS
    return Kind.OWN if OWN.search(name) else Kind.NOTHING


class ControlTokenFilter:
    """Takes control tokens out; one that ends the turn ends the reply.

    Attributes:
        taken: tokens were taken out.
        ended: the reply is over, whatever comes.
    """

    def __init__(self) -> None:
        self.taken = self.ended = False
        self._held = self._before = ""  # _before: the last characters before what is held
        self._spoke = self._role = False  # _role: the name of a role comes now
        self._struck = False  # HTML's "<s>" is open
        self._line = self._fence = ""  # the line under way; what opened the code before it

    def feed(self, text: str, *, final: bool = False) -> str:
        """The text without tokens; a piece that may become one is held back."""
        if self.ended:
            return ""
        text, self._held = self._held + text, ""
        heard: list[str] = []
        if not self._role and not TOKEN_BEGINS.search(text):
            self._add(text, heard)
        else:
            self._take_out(text, heard, final=final)
        self._before = last_before(self._before, text, len(text) - len(self._held))
        return "".join(heard)

    def _take_out(self, text: str, heard: list[str], *, final: bool) -> None:
        at = begin = 0  # the text between them is heard
        while not self.ended:
            if self._role and (at := self._skip_role(text, at, final=final)) < 0:
                return
            if self.ended or not (token := TOKEN.search(text, max(at, begin))):
                break
            self._add(text[at : token.start()], heard)
            at, begin = token.start(), token.end()
            spoken_of = mention(self._before, text, at, begin, final=final)
            if spoken_of or _fence_behind(self._line, self._fence):
                continue
            if spoken_of is None:
                self._held = text[token.start() :]
                return
            self._take(token[0])
            at = begin
        rest = "" if self.ended else text[at:]
        if not final:
            keep = _may_go_on(rest)
            rest, self._held = rest[: len(rest) - keep], rest[len(rest) - keep :]
        elif (cut := PARTIAL.search(rest)) and kind(cut[0]) is Kind.END:
            rest, self.taken = rest[: cut.start()], True
        self._add(rest, heard)

    def _add(self, text: str, heard: list[str]) -> None:
        if not text:
            return
        heard.append(text)
        self._spoke = self._spoke or bool(WORD_CHARACTER.search(text))
        # The cheap looks first: this runs for every token.
        if "\n" in text:
            *lines, text = f"{self._line}{text}".split("\n")
            for line in lines:
                self._fence = _fence_behind(line, self._fence)
            self._line = ""
        if len(self._line) < MOST_LINE:
            self._line = (self._line + text)[:MOST_LINE]

    def _take(self, written: str) -> None:
        self.taken, found = True, kind(written)
        if written == "<s>":
            self._struck = self._spoke
        elif written == "</s>" and self._struck:
            self._struck = False
        elif found is Kind.HEADER:
            self._role = True
        elif found is Kind.OTHERS:
            self.ended = True
        elif found is not Kind.NOTHING:
            self._role = written.startswith("<|im_assistant")  # Kimi's has a role, too
            self.ended = self._spoke  # before the first word it ends nothing

    def _skip_role(self, text: str, at: int, *, final: bool) -> int:
        """Behind the name of a role; -1 while it may go on."""
        found = ROLE.match(text, at)
        assert found is not None
        if ROLE_GOES_ON.match(text, at) and not final:
            self._held = text[at:]
            return -1
        self._role = False
        name = found[1].lower()
        if name and not (OWN.search(name) or OTHERS.search(name)):
            return at  # no role: the text begins here
        if name:
            self.ended = not OWN.search(name) or self._spoke
        return found.end()


def _fence_behind(line: str, fence: str) -> str:
    """The fence of the code that is open behind a line; fence: before it."""
    if not (found := FENCE.match(line)):
        return fence
    if not fence:
        return found[1]
    return fence if found[2].strip() or len(found[1]) < len(fence) else ""


def _may_go_on(rest: str) -> int:
    """How many characters at the end may be the beginning of a token."""
    if found := PARTIAL.search(rest, max(0, len(rest) - LONGEST_TOKEN)):
        return len(rest) - found.start()
    return held_back(rest[-LONGEST_TOKEN:].translate(FOLD), TOKEN_PREFIXES, TOKEN_BEGINS)

"""Full stops that end no sentence, and that vui's chunker would take for an end."""

from __future__ import annotations

import re

__all__ = ["NEEDED", "full_stop", "needed"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Before a name or a number; before anything; before a number; before a word in lower case.
TITLES = _words(
    "Dr Mr Mrs Ms Mx Prof St Mt Rev Gen Sen Rep Gov Capt Lt Sgt Col Maj Hon Hr Fr Sra Mme "
    "Mlle M Ft Sig sig Herrn Dra Dña Dott Avv Ing"
)
ALWAYS = _words(
    "i.e e.g vs cf viz z.B d.h p.ej p.ex evtl Evtl inkl exkl zzgl sog Sog Mio Mrd bijv Dhr mevr "
    "Mevr m.a.w d.w.z np ул"
)
BEFORE_NUMBER = _words(
    "No Nos Nr Fig fig Ch ch p pp Vol vol Eq ca Approx Ca op Op art Art Abb Kap Bd S pag Sec "
    "sec para cl Env env aprox Aprox pág Pág núm Núm Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct "
    "Nov Dec"
)
BEFORE_LOWER = _words(
    "etc al Inc Ltd Co Corp approx est ca Ave Blvd Rd Jr Sr Ph.D M.D usw bzw Bzw ggf Ggf bspw vgl "
    "dept MwSt Jh enz min Min sec Sek hr hrs Std ecc г гг"
)
ANY_OF_THESE = TITLES | ALWAYS | BEFORE_NUMBER | BEFORE_LOWER
UNITS = _words("min Min sec Sec Sek hr hrs Std")  # a number behind one begins a sentence
ROMAN_NUMBER = re.compile(r"[IVX]{2,7}")  # "Ludwig XIV. war"
DOTTED = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")  # "p.m", "U.S"
LAST_WORD = re.compile(r"(?:(?<=\s)|(?<=[(\"'“‘\[])|\A)[^\s(\"'“‘\[]{1,16}\Z")
PRONOUN = re.compile(r"(?:I|We|He|It)\b|She")
NO_BEGINS = re.compile(r"(?:\A|[.!?][\"')\]]*\s+)No\Z")
INITIALS = re.compile(r"(?:\A|\s)[A-Z] [A-Z]\Z")
# A number at the beginning of a sentence, as in a list: "1. The moon."
LIST_NUMBER = re.compile(r"(?:\A|[.!?:;][\"')\]]*\s+|[。！？：；]\s*|\n\s*|, )(\d{1,3})\Z")
# "z. B.", "d. h.", "p. ej.", "т. е.": before anything; other pairs before a word in lower case.
PAIRS = _words("zB dh pej pex uU oÄ те")
PAIR = re.compile(r"(?:\A|[\s(])([^\W\d_]{1,2})[\s\xa0\u202f]([^\W\d_]{1,2})\Z")
# An ordinal number, as Germans write it: "am 3. Mai", "die 2. Auflage".
MONTH = re.compile(r"Jan|Feb|Mär|Apr|Mai|Jun|Jul|Aug|Sep|Okt|Nov|Dez")
ORDINAL = re.compile(
    r"(?:\A|\W)(?:[Dd](?:er|ie|as|em|en)|[Ii]m|[Zz]u[mr]|[Vv]om|[Bb]eim)\s\d{1,3}\Z"
)
DAY = re.compile(
    r"(?:\A|\W)(?:(?<!I )[Aa]m|[Aa]b|[Bb]is|[Ss]eit|[Dd]e[nmr]|[Vv]om|[Zz]um|und|\w{3,7}tag,)"
    r"\s\d{1,2}\Z"
)
# A second name's letter: "John F. Kennedy", and not "Plan B. Then".
MIDDLE = re.compile(r"(?:\A|[\s(\"'“‘\[])([A-Z][a-z]{2,})\s[A-Z]\Z")
LETTERED = _words(
    "Plan Vitamin Type Grade Class Option Section Group Team Figure Hepatitis Appendix Answer "
    "Part Point Step Drive Room Block Line Level Model Exhibit Unit Terminal Gate Zone Phase Case "
    "Choice Column Row Table Item Key Note Player Person Series Side Size Stage Variant Version "
    "Word Letter The And But For Not With From Take Use Pick Get Both"
)
OPENERS = r"The|Thi|Tha|She|You|And|But|For|Not|Wha|Whe|Why|How|Who|May|Yes|Let|Now|One|Our|His|Her"
OPENS = re.compile(rf"(?!{OPENERS})[A-Z][a-z][a-z]")
LONGER = re.compile(r"(?:[A-Z]|EE|p|\d)\Z")  # what is decided by three characters
SENOR = re.compile(r"(?:\A|[.!?¡¿]\s*|\b(?:[Ee]l|al|del|un)\s)Sr\Z")
NEEDED = 3  # characters after the white space, to decide


def needed(said: str) -> int:
    """How many of them must have come: behind an ordinary word it doesn't matter which."""
    if LONGER.search(said):
        return NEEDED
    word = LAST_WORD.search(said)
    ordinary = not word or (len(word[0]) > 2 and word[0].isalpha() and word[0] not in ANY_OF_THESE)
    return 1 if ordinary else NEEDED - 1


def full_stop(said: str, following: str, number: int) -> tuple[str, int]:
    """The replacement of a full stop before white space: itself, nothing, or a comma.

    said: the last characters before it. following: the text behind the white space.
    number: of the last list entry. Returns also the number of the list entry now.
    """
    if (found := LIST_NUMBER.search(said)) and following[:1].strip():
        count = int(found[1])
        listed = count == number + 1 or count == 1
        if listed and not following[0].islower():
            return ",", count
    if not (word := LAST_WORD.search(said)) or not following:
        return ".", number
    return ("" if _goes_on(word[0], said, following) else "."), number


def _goes_on(word: str, said: str, following: str) -> bool:
    first = following[0]
    if word in ALWAYS:
        return True
    if word in TITLES:
        named = first.isalnum() and not first.islower() and not PRONOUN.match(following)
        return named and (word != "M" or bool(OPENS.match(following)))
    if word == "Sr" and SENOR.search(said):
        return True
    if word in BEFORE_NUMBER and first.isdigit():
        return word != "No" or not NO_BEGINS.search(said)  # else it is an answer
    if word in BEFORE_LOWER or DOTTED.fullmatch(word) or ROMAN_NUMBER.fullmatch(word):
        return first.islower() or (first.isdigit() and word in BEFORE_LOWER - UNITS)
    if word.isdigit():
        dated = MONTH.match(following) or first.islower()
        return bool((DAY.search(said) and dated) or ORDINAL.search(said))
    return len(word) < 3 and word.isalpha() and _letters_go_on(word, said, following)


def _letters_go_on(word: str, said: str, following: str) -> bool:
    """The same of one letter or two: initials, or a pair as in "z. B."."""
    first = following[0]
    if pair := PAIR.search(said):
        known = "".join(pair.groups()) in PAIRS
        if known or (first.islower() and (pair[1].islower() or pair[1] == "EE")):
            return True
    if word.islower() or word == "EE":
        pairs = following[1:2] == "." or following[:3] in ("ej.", "ex.", "UU.")
        return pairs and first.isalpha()
    if len(word) > 1 or not (word.isupper() and first.isupper()):
        return False
    if following[1:2] == "." or INITIALS.search(said):
        return True
    named = MIDDLE.search(said)
    return bool(named and named[1] not in LETTERED and OPENS.match(following))

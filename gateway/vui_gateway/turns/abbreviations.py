"""Full stops that end no sentence, and that vui's chunker would take for an end."""

from __future__ import annotations

import re

__all__ = ["LONGEST_NOUN", "full_stop", "waits"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Before a name or a number; before anything; before a number; before a word in lower case.
TITLES = _words(
    "Dr Mr Mrs Ms Mx Prof St Mt Rev Gen Sen Rep Gov Capt Lt Sgt Col Maj Hon Hr Fr Sra Mme "
    "Mlle M Ft Sig sig Herrn Dra Dña Dott Avv Ing Pres Adm Cmdr Cpl Pvt Supt Insp Msgr Ste "
    "Mmes Fa Lic Arq Gral Av Egr Spett"
)
# In small letters, as Poles, Dutchmen and Portuguese write them: "dr. Nowak", not "the dr. He".
SMALL_TITLES = _words("dr prof sr sra dra drs dott")
ALWAYS = _words(
    "i.e e.g vs cf viz z.B d.h p.ej p.ex evtl Evtl inkl exkl zzgl sog Sog Mio Mrd bijv Dhr mevr "
    "Mevr m.a.w d.w.z np ул a.k.a dhr Avda"
)
BEFORE_NUMBER = _words(
    "No Nos Nr Fig fig Ch ch p pp Vol vol Eq ca Approx Ca op Op art Art Abb Kap Bd S pag Sec "
    "sec para cl Env env aprox Aprox pág Pág núm Núm Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct "
    "Nov Dec Okt Dez Tel tel Ext ext max geb gest chap Chap"
)
BEFORE_LOWER = _words(
    "etc al Inc Ltd Co Corp approx est ca Ave Blvd Rd Jr Sr Ph.D M.D usw bzw Bzw ggf Ggf bspw vgl "
    "dept MwSt Jh enz min Min sec Sek hr hrs Std ecc г гг Dept Univ Assn oz "
    "misc incl excl orig resp avg ibid cit esp usu abbr insb itd itp osv Ud Uds Vd тыс руб рис"
)
ANY_OF_THESE = TITLES | ALWAYS | BEFORE_NUMBER | BEFORE_LOWER
UNITS = _words("min Min sec Sec Sek hr hrs Std")  # a number behind one begins a sentence
ROMAN_NUMBER = re.compile(r"[IVX]{2,7}")  # "Ludwig XIV. war"
DOTTED = re.compile(r"[^\W\d_](?:\.[^\W\d_])+")  # "p.m", "U.S"
SHORT_DOTTED = re.compile(r"[^\W\d_]{1,2}(?:\.[^\W\d_]{1,3})+")  # before a small letter: "bl.a"
# A word without a vowel is short for another one, but for a few sounds and acronyms.
SOUNDS = (
    r"h*m+|s*h+|ps+t|tsk|br+|pf+t?|gr+|zz+|tv|pc|cds?|dvds?|pdf|sms|html|css|sql|tbh|btw|thx|pm"
)
VOWELLESS = re.compile(rf"(?!(?i:{SOUNDS})\Z)[^\W\d_aeiouyAEIOUYà-ÿ]{{2,6}}")
CYRILLIC_VOWEL = re.compile(r"[аеёиоуыэюя]", re.IGNORECASE)
AMOUNT = re.compile(r"\d\s?[^\W\d_]{2,6}\Z")  # a number behind a unit begins a sentence
# Nouns behind a country or a time of day: they seldom begin a sentence there.
OF_COUNTRY = (
    "Senate", "Congress", "President", "Army", "Navy", "Air Force", "Marine", "Supreme Court",
    "Government", "Department", "Treasury", "Constitution", "Capitol", "Census", "Open", "Postal",
    "Coast Guard", "Secret Service", "Secretary", "Attorney", "Federal", "Geological", "House of",
    "Virgin Islands", "Embassy", "Ambassador", "Military", "Patent", "Police",
)  # fmt: skip
ZONES = (
    *(f"{name} {time}" for name in ("Eastern", "Central", "Mountain", "Pacific")
      for time in ("Time", "time")),
    "EST", "EDT", "CST", "CDT", "MST", "MDT", "PST", "PDT", "GMT", "UTC", "CET", "BST",
)  # fmt: skip
COUNTRIES = _words("U.S U.K U.N E.U U.S.A U.A.E D.C")
# A name's letters, "J.K. Rowling"; behind these words they are of a place or a thing.
INITIALED = re.compile(r"[A-Z](?:\.[A-Z]){1,2}")
NO_NAMES = COUNTRIES | _words(
    "B.A M.A B.S M.S M.D J.D R.N P.S N.B A.D B.C A.M P.M I.D T.V A.I L.A N.Y S.F O.K Q.E.D I.Q"
)
PLACED = re.compile(
    r"(?:\b(?:[Tt]he|[Aa]n?|[Ii]n|[Aa]t|[Ff]rom|[Mm]y|his|her|our|their)|\d)\s\S+\Z"
)
VERSUS = re.compile(r"\b[A-Z]\w*\sv\Z")  # "Roe v. Wade"
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
# Ends that three characters decide.
LONGER = re.compile(rf"(?:[A-Z]|EE|p|\d|\b(?:{'|'.join(sorted(SMALL_TITLES))}))\Z")
SENOR = re.compile(r"(?:\A|[.!?¡¿]\s*|\b(?:[Ee]l|al|del|un)\s)Sr\Z")
NEEDED = 3  # characters after the white space, to decide
LONGEST_NOUN = max(map(len, OF_COUNTRY))


def waits(said: str, following: str) -> bool:
    """Whether more must come: behind an ordinary word one character is enough."""
    word = LAST_WORD.search(said)
    ordinary = not word or (len(word[0]) > 2 and word[0].isalpha() and word[0] not in ANY_OF_THESE)
    if len(following) < (1 if ordinary and not LONGER.search(said) else NEEDED):
        return True
    nouns = _nouns(word[0]) if word else ()
    return any(one != following and one.startswith(following) for one in nouns)


def _nouns(word: str) -> tuple[str, ...]:
    """The nouns that go on behind a word."""
    return OF_COUNTRY if word in COUNTRIES else ZONES if word in ("a.m", "p.m") else ()


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
    if word in ALWAYS or following.startswith(_nouns(word)):
        return True
    if first.islower() and (_vowelless(word) or SHORT_DOTTED.fullmatch(word)):
        return True
    street = word.endswith(("str", "Str"))
    if first.isdigit() and (street or (word[0].islower() and _vowelless(word))):
        return not AMOUNT.search(said)
    if word in SMALL_TITLES or (INITIALED.fullmatch(word) and word not in NO_NAMES):
        return bool(OPENS.match(following)) and not PLACED.search(said)
    if word in TITLES:
        named = first.isalnum() and not first.islower() and not PRONOUN.match(following)
        return named and (word not in ("M", "Av", "Fa") or bool(OPENS.match(following)))
    if word == "Sr" and SENOR.search(said):
        return True
    if word in BEFORE_NUMBER and first.isdigit():
        return word != "No" or not NO_BEGINS.search(said)  # else it is an answer
    if word in BEFORE_LOWER or DOTTED.fullmatch(word) or ROMAN_NUMBER.fullmatch(word):
        listed = word in BEFORE_LOWER
        return first.islower() or (first in "(0123456789" and listed and word not in UNITS)
    if word.isdigit():
        if following.startswith("Jah"):  # "15. Jahrhundert"
            return True
        dated = MONTH.match(following) or first.islower()
        return bool((DAY.search(said) and dated) or ORDINAL.search(said))
    return len(word) < 3 and word.isalpha() and _letters_go_on(word, said, following)


def _letters_go_on(word: str, said: str, following: str) -> bool:
    """The same of one letter or two: initials, or a pair as in "z. B."."""
    first = following[0]
    before_christ = word in ("v", "n") and following.startswith("Chr")
    if before_christ or (VERSUS.search(said) and first.isupper()):
        return True
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


def _vowelless(word: str) -> bool:
    """Whether a word is an abbreviation by its letters: "tbsp", "Blvd", "Str", "см"."""
    found = VOWELLESS.fullmatch(word)
    return bool(found) and not word.isupper() and not CYRILLIC_VOWEL.search(word)

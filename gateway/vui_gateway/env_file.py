"""Reads `.env`, and names the lines that are no variables."""

from __future__ import annotations

import errno
import io
import logging
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, Original, parse_stream

from vui_gateway.errors import SettingError
from vui_gateway.named_files import missing, read_text

__all__ = ["MAY_BE_EMPTY", "read_env_file"]

MAY_BE_EMPTY = ("VUI_LITELLM_FILLERS",)  # an empty one of the others counts as unset
# Variables whose value is a path: of Google, of Python's and LiteLLM's TLS.
NAMES_FILE = re.compile(r"_FILE$|CREDENTIALS$|CERT|_CA(?:_|$)|CA_BUNDLE")
VARIABLE_NAME = re.compile(r"[A-Za-z_][\w.-]*")
KEY_SUFFIX = "_API_KEY"
SECRET = re.compile(rf"(?:{KEY_SUFFIX}|_SECRET_KEY|_ACCESS_KEY|_ACCESS_KEY_ID|_TOKEN|_SECRET)$")
WITHIN_VALUE = re.compile(r"\$\{([^}:]*)\}")
NO_HEADER = (
    "it holds a character that no key has, such as a curly quote or one that can't be seen. "
    "Copy the key once more."
)
LAST_COUNTS = "the last one counts. Remove one of them."
NOT_ABOVE = "names a variable as ${…} that is not set above, and is read without it. Set it first."
logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # such a line has a sentence of ours


def read_env_file(path: Path) -> tuple[dict[str, str], list[str]]:
    """Its variables, and a sentence for each line that is none, or names a file that isn't there,
    or a key that no request can carry.

    Raises:
        SettingError: it can't be read.
    """
    try:
        text = read_text(path)
    except FileNotFoundError:
        return {}, []
    except UnicodeDecodeError as error:
        raise _unusable(path, "is no UTF-8 text. Save it as UTF-8.") from error
    except IsADirectoryError as error:
        raise _unusable(path, "is a folder. Remove it, and put the file there.") from error
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise _unusable(path, "is larger than 1 MB. Is it the right file?") from error
        raise SettingError(
            f"{path} can't be read ({error}). It must be a text file, no link out of its folder, "
            'that the owner of its folder can read: `sudo chown "$USER" .env`.',
            "The env file can't be read. It must be a text file that is yours, no link out of its "
            "folder.",
        ) from error
    lines = [line for line in parse_stream(io.StringIO(text)) if line.error or line.key]
    wrong = [line for line in lines if not _is_variable(line)]
    unusable = {line.key for line in wrong}
    given = dotenv_values(stream=io.StringIO(text)).items()
    stripped = {n: (value or "").strip() for n, value in given if n not in unusable}
    found = {name: value for name, value in stripped.items() if value or name in MAY_BE_EMPTY}
    # A secret may look like a path.
    cures = {n: missing(v, path.parent) for n, v in found.items() if NAMES_FILE.search(n)}
    lost = {name: cure for name, cure in cures.items() if cure}
    unread = [_line(line.original) for line in wrong]
    broken = [n for n, v in found.items() if SECRET.search(n) and not _is_whole(n, v)]
    cure = "this line can't be read, and is ignored. Write it as NAME=value."
    return (
        {name: value for name, value in found.items() if name not in (*lost, *broken)},
        [
            *(f"{path}:{line}: {cure}" for line in unread),
            *(f"{path}:{line}: {why}" for line, why in _lost([x for x in lines if x not in wrong])),
            *(f"{name} in .env: {found[name]} isn't there. {cure}" for name, cure in lost.items()),
            *(f"{name} in .env is ignored: {NO_HEADER}" for name in broken),
        ],
    )


def _unusable(path: Path, why: str) -> SettingError:
    return SettingError(f"{path} {why}", f"The env file {why}")


def _is_variable(line: Binding) -> bool:
    """Whether a process can have it: a name of letters, digits and `_.-`, no NUL."""
    named = line.key and VARIABLE_NAME.fullmatch(line.key)
    return bool(named) and not line.error and "\0" not in (line.value or "")


def _lost(variables: Iterable[Binding]) -> Iterator[tuple[int, str]]:
    """Lines that lose a value: a double loses the one before, `${X}` what isn't set above it."""
    before: dict[str, str] = {}
    for one in variables:
        name, value = str(one.key), one.value or ""
        if before.get(name, value) not in ("", value):
            yield _line(one.original), f"{name} stands there twice, {LAST_COUNTS}"
        if any(not (before.get(x) or os.environ.get(x)) for x in WITHIN_VALUE.findall(value)):
            yield _line(one.original), f"{name} {NOT_ABOVE}"
        before[name] = value


def _is_whole(name: str, value: str) -> bool:
    """Whether a header can carry a provider's key; other secrets may have any letters."""
    rest = value if name.endswith(KEY_SUFFIX) else "".join(c for c in value if not c.isalpha())
    return rest.isascii() and rest.isprintable()


def _line(found: Original) -> int:
    """The line of a binding, whose text begins with the blank lines before it."""
    blank = len(found.string) - len(found.string.lstrip())
    return found.line + found.string[:blank].count("\n")

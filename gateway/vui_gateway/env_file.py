"""Reads `.env`, and names the lines that are no variables."""

from __future__ import annotations

import io
import logging
import re
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Original, parse_stream

from vui_gateway.errors import SettingError
from vui_gateway.named_files import missing

__all__ = ["MAY_BE_EMPTY", "read_env_file"]

MAY_BE_EMPTY = ("VUI_LITELLM_FILLERS",)  # an empty one of the others counts as unset
# Variables whose value is a path: of Google, of Python's and LiteLLM's TLS.
NAMES_FILE = re.compile(r"_FILE$|CREDENTIALS$|CERT|_CA(?:_|$)|CA_BUNDLE")
logging.getLogger("dotenv.main").setLevel(logging.ERROR)  # such a line has a sentence of ours


def read_env_file(path: Path) -> tuple[dict[str, str], list[str]]:
    """Its variables, and a sentence for each line that is none or names a file that isn't there.

    Raises:
        SettingError: it can't be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{path} can't be read ({error}). It must be a text file that the owner of its folder "
            'can read: `sudo chown "$USER" .env`.',
            "The env file can't be read. It must be a text file that is yours.",
        ) from error
    given = dotenv_values(stream=io.StringIO(text)).items()
    stripped = {name: (value or "").strip() for name, value in given}
    found = {name: value for name, value in stripped.items() if value or name in MAY_BE_EMPTY}
    # A secret may look like a path.
    cures = {n: missing(v, path.parent) for n, v in found.items() if NAMES_FILE.search(n)}
    lost = {name: cure for name, cure in cures.items() if cure}
    unread = [_line(line.original) for line in parse_stream(io.StringIO(text)) if line.error]
    cure = "this line can't be read, and is ignored. Write it as NAME=value."
    return (
        {name: value for name, value in found.items() if name not in lost},
        [
            *(f"{path}:{line}: {cure}" for line in unread),
            *(f"{name} in .env: {found[name]} isn't there. {cure}" for name, cure in lost.items()),
        ],
    )


def _line(found: Original) -> int:
    """Where it is; the blank lines before it are counted to it."""
    blank = len(found.string) - len(found.string.lstrip())
    return found.line + found.string[:blank].count("\n")

"""The user's files: how they are read, and those that they name, such as `./adc.json`."""

from __future__ import annotations

import errno
import io
import os
import re
from pathlib import Path, PurePosixPath, PureWindowsPath

__all__ = ["MAX_FILE_BYTES", "mark", "missing", "named_in", "read_text", "without_waiting"]

MAX_FILE_BYTES = 1_000_000
# Google's service accounts, certificates and keys: https://docs.litellm.ai/docs/providers/vertex,
# https://docs.litellm.ai/docs/guides/security_settings
# Spaces are taken as a part of it only where `./` says that it is a path.
PATH = r"(?:\./[^'\"{}\[\],;:=#\n]+|[^\s'\"{}\[\],;:=]+)\.(?:json|pem|crt|cer|key|p12|pfx)"
# A value of YAML or of an env file, to the end of its line or of its place in `{a: b, c: d}`.
VALUE = re.compile(rf"\w['\"]?\s*[:=]\s*['\"]?({PATH})['\"]?\s*(?=[,}}#]|$)", re.IGNORECASE)
ANY_PATH = re.compile(rf"(?:[a-z]:)?{PATH}", re.IGNORECASE)


def read_text(path: Path) -> str:
    """A file's text. Neither an endless device nor a pipe that nobody writes to holds the caller.

    Raises:
        OSError: it can't be read; with EFBIG, it is larger than MAX_FILE_BYTES.
        UnicodeDecodeError: it is no UTF-8.
    """
    with open(path, "rb", buffering=0, opener=without_waiting) as file:
        found = bytearray()
        while len(found) <= MAX_FILE_BYTES and (part := file.read(MAX_FILE_BYTES)):
            found += part
    if len(found) > MAX_FILE_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
    return io.StringIO(found.decode("utf-8-sig"), newline=None).read()


def without_waiting(name: str, flags: int) -> int:
    """An opener: a pipe that nobody writes to is opened at once."""
    return os.open(name, flags | os.O_NONBLOCK)


def named_in(text: str) -> list[str]:
    """The files below the folder that a YAML file or an env file names; none above it."""
    lines = (line for line in text.splitlines() if not line.lstrip().startswith("#"))
    paths = (PurePosixPath(path) for line in lines for path in VALUE.findall(line))
    return [str(path) for path in paths if not path.is_absolute() and ".." not in path.parts]


def missing(value: object, folder: Path) -> str:
    """The cure for a value that is the path of a file that can't be read; else empty.

    folder: where a relative path begins.
    """
    if not isinstance(value, str) or not ANY_PATH.fullmatch(value):
        return ""
    found = folder / value
    if found.is_file() and os.access(found, os.R_OK):
        return ""
    name = PureWindowsPath(value).name  # of either kind of path
    return f"Put the file beside litellm_config.yaml, and write its name as ./{name}."


def mark(path: Path) -> tuple[int, ...]:
    """A value that changes when the file does; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)

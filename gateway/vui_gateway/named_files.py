"""Certificates and credentials beside the configuration, which it names: `./adc.json`."""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath, PureWindowsPath

__all__ = ["mark", "missing", "named_in"]

# Google's service accounts, certificates and keys: https://docs.litellm.ai/docs/providers/vertex,
# https://docs.litellm.ai/docs/guides/security_settings
# Spaces are taken as a part of it only where `./` says that it is a path.
PATH = r"(?:\./[^'\"{}\[\],;:=#\n]+|[^\s'\"{}\[\],;:=]+)\.(?:json|pem|crt|cer|key|p12|pfx)"
# A value of YAML or of an env file, to the end of its line or of its place in `{a: b, c: d}`.
VALUE = re.compile(rf"\w['\"]?\s*[:=]\s*['\"]?({PATH})['\"]?\s*(?=[,}}#]|$)", re.IGNORECASE)
ANY_PATH = re.compile(rf"(?:[a-z]:)?{PATH}", re.IGNORECASE)


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
    """It changes when the file does; empty where there is none."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_size, found.st_mtime_ns)

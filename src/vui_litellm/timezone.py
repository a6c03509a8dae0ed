"""The user's time zone, in which vui tells the time: `TZ`, else the host's."""

from __future__ import annotations

import os
import re
import sys
import time
import zoneinfo
from pathlib import Path

__all__ = ["HOST_ZONE", "use_timezone"]

# Where compose.yaml mounts the host's /etc/localtime. Not over the container's own, a link: its
# target would be hidden, and `TZ=UTC` be the host's zone.
HOST_ZONE = Path("/run/host/localtime")
# A zone without a name: https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html
_NAME = r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]{3,}>)"
_OFFSET = r"[+-]?\d{1,2}(?::\d\d){0,2}"
POSIX_ZONE = re.compile(rf"{_NAME}{_OFFSET}(?:{_NAME}(?:{_OFFSET})?(?:,[\dMJ./:+,-]+)?)?")


def use_timezone(host: Path = HOST_ZONE) -> None:
    """Make this process's local time the user's.

    One that doesn't exist is said in one line and left out: the C library would take it for UTC,
    without a word.
    """
    named = os.environ.get("TZ", "").strip()
    if named and not _is_zone(named):
        print(
            f"[vui-litellm] TZ is {named!r}, which is no time zone: the host's is used. "
            "Write a name such as America/New_York.",
            file=sys.stderr,
        )
        named = ""
    if zone := named or (f":{host}" if _is_zone(str(host)) else ""):
        os.environ["TZ"] = zone
    else:
        os.environ.pop("TZ", None)
    time.tzset()


def _is_zone(name: str) -> bool:
    if POSIX_ZONE.fullmatch(name):
        return True
    for folder in zoneinfo.TZPATH:
        try:
            with Path(folder, name.removeprefix(":")).open("rb") as file:
                zoneinfo.ZoneInfo.from_file(file)
        except (OSError, ValueError):
            continue
        return True
    return False

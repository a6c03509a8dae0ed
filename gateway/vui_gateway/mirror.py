"""Shows the gateway `.env`, `litellm_config.yaml` and the certificates and credentials that these
name, and nothing else of the user's folder.

This runs in a container of its own, which sees the folder and has no network; the gateway's sees
the copies. A mount of the two files would keep showing what an editor has replaced.
"""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
import time
from contextlib import suppress
from pathlib import Path

from vui_gateway.named_files import named_in, without_waiting
from vui_gateway.private_files import write_by_rename

__all__ = ["Mirror"]

# In this order, after the files that they name: where there is a configuration, there are its keys.
NAMES = (".env", "litellm_config.yaml")
# Seconds between two looks; the files are looked at, not watched, as in `reload`.
COPY_EVERY = 0.2
MAX_BYTES = 1_000_000  # of one of the two, and of the files that they name together
# The file that is there once the first copies are made.
READY = ".ready"
MAX_FILES = 32
LINK, NO_FILE = "it is a link out of the folder", "it is no file"


class Mirror:
    """Copies of the files of one folder in another, whose group alone may read them."""

    def __init__(self, source: Path, target: Path) -> None:
        self.source, self.target = source, target
        self._seen: dict[str, bytes | str | None] = {}
        self._named: tuple[list, list[str]] = ([], [])  # of these contents
        self._failed = ""

    def copy(self) -> None:
        """Copy the files that have changed since the last time. A lost one's copy goes; one
        that can't be read becomes a file that the gateway can't read either, and the log says so.
        """
        files = {name: _read(self.source / name) for name in NAMES}
        named = self._read_named(list(files.values()))
        gone = dict.fromkeys(set(self._seen).difference(named, files))
        for name, found in {**gone, **named, **files}.items():
            if name in self._seen and found == self._seen[name]:
                continue
            try:
                self._put(self.target / name, found)
            except OSError as error:  # it is tried again
                if (why := str(error)) != self._failed:
                    _say(f"{name} can't be copied ({why})")
                self._failed = why
            else:
                self._seen[name], self._failed = found, ""

    def _read_named(self, contents: list) -> dict[str, bytes | str | None]:
        """The files that these contents name, as far as they are in the folder."""
        if contents != self._named[0]:
            texts = (found.decode(errors="replace") for found in contents if type(found) is bytes)
            names = dict.fromkeys(name for text in texts for name in named_in(text))
            self._named = contents, list(names)[:MAX_FILES]
        read: dict[str, bytes | str | None] = {}
        left = MAX_BYTES
        for name in self._named[1]:
            if name not in NAMES and (path := self._within(name)):
                read[name] = found = _read(path, left)
                left -= len(found) if isinstance(found, bytes) else 0
        return read

    def _within(self, name: str) -> Path | None:
        """A file of the folder; none that a link leads to outside of it."""
        with suppress(OSError, RuntimeError, ValueError):  # a circle of links, a NUL
            path, folder = (self.source / name).resolve(), self.source.resolve()
            return path if path.is_relative_to(folder) and path.is_file() else None
        return None

    def _put(self, copy: Path, found: bytes | str | None) -> None:
        if found is None:
            copy.unlink(missing_ok=True)
            return
        copy.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
        if isinstance(found, bytes):
            write_by_rename(copy, found, 0o440)
        else:
            write_by_rename(copy, b"", 0)
            cure = f"Its folder's owner, user {os.getuid()}, must be able to read it."
            cure = "Put the file itself there." if found in (LINK, NO_FILE) else cure
            _say(f"{copy.name} can't be read ({found}). {cure}")


def _say(text: str) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(f"{now} config: {text}", file=sys.stderr, flush=True)


def _read(path: Path, most: int = MAX_BYTES) -> bytes | str | None:
    """The file's bytes, None when it isn't there, or why it can't be read."""
    try:
        with open(path, "rb", opener=without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return NO_FILE
            found = file.read(most + 1)
    except FileNotFoundError:
        within = path.resolve().is_relative_to(path.parent.resolve())
        return None if within else LINK
    except OSError as error:
        return str(error.strerror)
    return found if len(found) <= most else os.strerror(errno.EFBIG)


def main(source: Path, target: Path) -> None:
    """Copy until SIGTERM, as the folder's owner, who can read the files whatever their mode."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    os.setuid(source.stat().st_uid)
    mirror = Mirror(source, target)
    while True:
        mirror.copy()
        with suppress(OSError):
            (target / READY).touch()
        time.sleep(COPY_EVERY)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

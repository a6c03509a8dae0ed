"""Writes files where others may look at them, or tamper with them, meanwhile."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["private_folder", "write_by_rename"]


def private_folder(path: Path) -> Path:
    """The folder, made unless it is there: its parent may be open to everyone, as `/tmp` is.

    Raises:
        OSError: it can't be made; or others made it, or may write to it or read it.
    """
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    ours = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
    if not ours or found.st_mode & 0o077:
        raise PermissionError(f"{path} isn't a folder of user {os.getuid()} alone: remove it")
    return path


def write_by_rename(
    path: Path, content: str | bytes, mode: int = 0o600, *, sync: bool = False
) -> None:
    """Replace a file's content: a reader sees the old one or the new one.

    sync: after a power cut, too.

    Raises:
        OSError: it can't be written.
    """
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        os.fchmod(file.fileno(), mode)
        file.write(content if isinstance(content, bytes) else content.encode())
        if sync:
            file.flush()
            os.fsync(file.fileno())
    draft.replace(path)

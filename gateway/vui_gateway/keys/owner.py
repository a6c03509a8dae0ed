"""The owner's key: made at the first start, kept in a file that vui reads."""

from __future__ import annotations

import os
import secrets
from hashlib import sha256
from pathlib import Path

from vui_gateway.private_files import write_by_rename
from vui_gateway.settings import MIN_KEY_LENGTH, SettingError, Settings

__all__ = ["load_key", "new_key"]

KEY_BYTES = 32
KEY_MODE = 0o440  # owner: the gateway, group: vui


def new_key() -> tuple[str, str]:
    """A key, and its digest."""
    key = f"sk-{secrets.token_urlsafe(KEY_BYTES)}"
    return key, sha256(key.encode()).hexdigest()


def load_key(settings: Settings, configured: str = "") -> str:
    """The owner's key: the user's, or the one made at the first start and kept since.

    Either way the key file holds it afterwards, for vui to read.

    configured: the model file's, which counts where `.env` has none.

    Raises:
        SettingError: the key file can't be read or written.
    """
    path = settings.key_file
    try:
        kept = _kept(path)
        key = settings.key or configured or kept or new_key()[0]
        if key != kept:
            write_by_rename(path, key + "\n", KEY_MODE, sync=True)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"The key file {path} can't be read or written ({error}). It lives in the volume "
            "`key`: is the disk full, or the volume mounted read-only?"
        ) from error
    return key


def _kept(path: Path) -> str:
    """The key of the last start, unless somebody else can have put it there, or guess it."""
    if not path.exists() or {path.lstat().st_uid, path.stat().st_uid} - {0, os.getuid()}:
        return ""
    kept = path.read_text(encoding="ascii").strip()
    return kept if len(kept) >= MIN_KEY_LENGTH else ""

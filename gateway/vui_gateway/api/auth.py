"""The one secret between vui and the gateway: made, kept, and compared in constant time."""

from __future__ import annotations

import hmac
import os
import secrets
from pathlib import Path

from vui_gateway.files import write_by_rename
from vui_gateway.settings import MIN_KEY_LENGTH, SettingError, Settings

__all__ = ["Key", "load_key"]

KEY_BYTES = 32
KEY_MODE = 0o440  # owner: the gateway, group: vui


class Key:
    """The key in force."""

    def __init__(self, value: str) -> None:
        self.value = value

    def accepts(self, authorization: str) -> bool:
        """True when the value of an Authorization header carries the key."""
        scheme, _, token = authorization.partition(" ")
        right = hmac.compare_digest(token.strip().encode(), self.value.encode())
        return right and scheme.lower() == "bearer"


def load_key(settings: Settings) -> str:
    """The key of this start: the user's, or the one made at the first start and kept since.

    Either way the key file holds it afterwards, for vui to read.

    Raises:
        SettingError: the key file can't be read or written.
    """
    path = settings.key_file
    try:
        kept = _kept(path)
        key = settings.key or kept or f"sk-{secrets.token_urlsafe(KEY_BYTES)}"
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

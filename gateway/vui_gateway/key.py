"""The one secret between vui and the gateway."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from vui_gateway.settings import SettingError, Settings

__all__ = ["load_key"]

KEY_BYTES = 32
KEY_MODE = 0o440  # owner: the gateway, group: vui


def load_key(settings: Settings) -> str:
    """The key of this start: the user's, or the one made at the first start and kept since.

    Either way the key file holds it afterwards, for vui to read.

    Raises:
        SettingError: the user's key can't be one, or the key file can't be read or written.
    """
    given = settings.env.get("VUI_LITELLM_KEY", "").strip()
    if given and not all("!" <= char <= "~" for char in given):
        raise SettingError(
            "VUI_LITELLM_KEY holds a space or a character that no HTTP header can carry. "
            "Choose another one, or leave it empty and one is made."
        )
    path = settings.key_file
    try:
        kept = path.read_text(encoding="ascii").strip() if path.exists() else ""
        key = given or kept or f"sk-{secrets.token_urlsafe(KEY_BYTES)}"
        if key != kept:
            _write(path, key)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"The key file {path} can't be read or written ({error}). It lives in the volume "
            "`key`: is the disk full, or the volume mounted read-only?"
        ) from error
    return key


def _write(path: Path, key: str) -> None:
    # By rename: a reader sees the old key or the new one, and a crash leaves no half of it.
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, KEY_MODE), "w") as file:
        os.fchmod(file.fileno(), KEY_MODE)
        file.write(key + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

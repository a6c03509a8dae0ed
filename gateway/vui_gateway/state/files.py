"""The store of a gateway that is alone: one file for each subject, beside the key."""

from __future__ import annotations

import fcntl
import json
import logging
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from vui_gateway.named_files import mark
from vui_gateway.private_files import write_by_rename
from vui_gateway.settings import SettingError
from vui_gateway.state.entries import Entries, Entry, Name
from vui_gateway.state.sync import StoreAway

__all__ = ["CLIENTS", "Files"]

# Each file has one writer: the gateway, or `vui-gateway key` for the clients' keys.
CLIENTS, GATEWAYS = "clients", ("spend", "used", "thinkers", "fields", "head-starts")
_UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError
)  # fmt: skip

log = logging.getLogger("vui_gateway")


class Files:
    """Cooldowns, first words, reservations and claims end with the process, the rest is kept.

    Args:
        folder: of the key.
        written: the subjects that this process writes; the others' files are read.
    """

    name = "The folder of the key"

    def __init__(self, folder: Path, written: tuple[str, ...] = GATEWAYS) -> None:
        self._folder, self._written = folder, written
        self._read: dict[str, tuple[int, ...]] = {}
        self._lock: Any = None

    def lock(self) -> None:
        """Be the only gateway on this folder, until this process ends.

        Raises:
            SettingError: another one is.
        """
        try:
            self._lock = self._path("gateway", ".lock").open("a")
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise SettingError(
                f"Another gateway runs with the key of {self._folder}, and each would overwrite "
                "what the other has spent. End one of them, or give both a VUI_GATEWAY_REDIS_URL."
            ) from None
        except OSError:
            pass  # then nothing can be overwritten there either

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other `vui-gateway key` changes anything meanwhile."""
        with self._path(CLIENTS, ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    async def exchange(self, unsent: Entries, everything: Callable[[], Entries]) -> Entries:
        """`Store.exchange`; files are small, and written only when there is something new."""
        found: dict[Name, Entry] = {}
        for subject in (*GATEWAYS, CLIENTS):
            if subject not in self._read or subject not in self._written:
                found |= {(subject, name): entry for name, entry in self._changed(subject).items()}
        sent = {subject for subject, _ in unsent}
        for subject in sent & {*self._written}:
            entries = {n: e for (s, n), e in everything().items() if s == subject}
            text = json.dumps(_WRITERS.get(subject, _written)(entries))
            try:
                write_by_rename(self._path(subject), text, sync=subject == CLIENTS)
            except OSError as error:
                raise StoreAway(f"{subject} can't be kept: {error}") from error
        return found

    async def close(self) -> None:
        """Another gateway may run now."""
        if self._lock:
            self._lock.close()

    def _path(self, subject: str, suffix: str = ".json") -> Path:
        return self._folder / f"{subject}{suffix}"

    def _changed(self, subject: str) -> dict[str, Entry]:
        """The entries of a file that has changed since it was read."""
        path = self._path(subject)
        try:
            now = mark(path)
            if self._read.get(subject) == now:
                return {}
            self._read[subject] = now
            return _READERS.get(subject, _entries)(json.loads(path.read_text()))
        except FileNotFoundError:
            self._read[subject] = ()
        except _UNREADABLE as error:
            if subject == CLIENTS and subject in self._written:  # all other keys would be lost
                raise SettingError(
                    f"{path} can't be read ({error}). Correct or remove it."
                ) from error
            self._read.setdefault(subject, ())
            log.warning("%s can't be read (%s): its content is ignored.", path, error)
        return {}


def _written(entries: Mapping[str, Entry]) -> Any:
    return {name: [entry.rank, entry.value] for name, entry in entries.items()}


def _entries(kept: Any) -> dict[str, Entry]:
    return {name: Entry(_finite(rank), value) for name, (rank, value) in kept.items()}


def _written_spend(entries: Mapping[str, Entry]) -> Any:
    """The last day, for people to read: its sum, and each client's."""
    day = max(name.split("/")[0] for name in entries)
    clients = {n.split("/")[2]: [e.rank, *e.value] for n, e in entries.items() if n[:10] == day}
    return {"day": day, "usd": sum(usd for _, usd, *_ in clients.values()), "clients": clients}


def _spend(kept: Any) -> dict[str, Entry]:
    day = str(date.fromisoformat(kept["day"]))
    found = {}
    for client, (rank, *value) in kept["clients"].items():
        usd, *_ = value = [_finite(number) for number in value]
        if usd < 0 or len(value) != 4:
            raise ValueError(f"{usd} USD")
        found[f"{day}//{client}"] = Entry(_finite(rank), value)
    return found


def _finite(number: Any) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{value} is no number")
    return value


_WRITERS = {"spend": _written_spend}
_READERS = {"spend": _spend}

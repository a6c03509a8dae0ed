import re

import pytest

from tests.audit import LOCKS, ROOT, findings


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_holds_a_package_of_the_reviewed_list(lock: str) -> None:
    assert findings((ROOT / lock).read_text()) == []


@pytest.mark.parametrize("version", ["1.82.7", "1.82.8", "1.107.0", "1.107", "1.30.0"])
def test_the_audit_finds_what_must_never_be_locked(version: str) -> None:
    assert findings(f"litellm=={version} \\\n    --hash=sha256:00\n")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash(lock: str) -> None:
    text = re.sub(r"^ *#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 10
    assert all("--hash=sha256:" in entry for entry in entries)

"""The credentials of the gateway's page, without a gateway."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from vui_gateway.api.sessions import IDLE_SECONDS, MOST, SESSION_SECONDS, TOKEN_SECONDS, Sessions

KEY = "sk-0123456789abcdef"


@pytest.fixture
def state() -> SimpleNamespace:
    """What changes from outside."""
    return SimpleNamespace(key=KEY, now=1000.0)


@pytest.fixture
def sessions(state: SimpleNamespace) -> Sessions:
    return Sessions(lambda: state.key, lambda: state.now)


def bearer(secret: str) -> str:
    return f"Bearer {secret}"


def test_a_token_is_exchanged_once_for_a_session(sessions: Sessions) -> None:
    token = sessions.token()
    session = sessions.exchange(bearer(token))
    assert sessions.accepts(bearer(session))
    assert sessions.exchange(bearer(token)) == ""


def test_a_token_is_too_old_after_five_minutes(sessions: Sessions, state: SimpleNamespace) -> None:
    early, late = sessions.token(), sessions.token()
    state.now += TOKEN_SECONDS - 1
    assert sessions.exchange(bearer(early))
    state.now += 1
    assert sessions.exchange(bearer(late)) == ""


def test_a_session_ends_without_a_look_and_in_any_case(
    sessions: Sessions, state: SimpleNamespace
) -> None:
    idle, used = (sessions.exchange(bearer(KEY)) for _ in range(2))
    for _ in range(SESSION_SECONDS // (IDLE_SECONDS - 1)):
        state.now += IDLE_SECONDS - 1
        assert sessions.accepts(bearer(used))
    assert not sessions.accepts(bearer(idle))
    state.now += IDLE_SECONDS - 1
    assert not sessions.accepts(bearer(used))


def test_a_new_key_ends_every_token_and_session(sessions: Sessions, state: SimpleNamespace) -> None:
    token, session = sessions.token(), sessions.exchange(bearer(KEY))
    state.key = "sk-another-0123456789"
    assert sessions.exchange(bearer(token)) == ""
    assert not sessions.accepts(bearer(session))
    assert not sessions.accepts(bearer(KEY))
    assert sessions.accepts(bearer(state.key))


def test_one_kind_of_credential_is_no_other(sessions: Sessions) -> None:
    token, session = sessions.token(), sessions.exchange(bearer(KEY))
    assert not sessions.accepts(bearer(token))
    assert sessions.exchange(bearer(session)) == ""
    assert not sessions.is_owner(bearer(token))
    assert not sessions.is_owner(bearer(session))


@pytest.mark.parametrize("wrong", ["", "Bearer", "Bearer ", f"Basic {KEY}", KEY, "Bearer sk-wröng"])
def test_nothing_else_opens_anything(sessions: Sessions, wrong: str) -> None:
    sessions.token()
    sessions.exchange(bearer(KEY))
    assert not sessions.is_owner(wrong)
    assert not sessions.accepts(wrong)
    assert sessions.exchange(wrong) == ""


def test_there_are_few_at_a_time_and_the_oldest_goes(sessions: Sessions) -> None:
    tokens = [sessions.token() for _ in range(MOST + 1)]
    opened = [bool(sessions.exchange(bearer(token))) for token in tokens]
    assert opened == [False] + [True] * MOST
    first, *others = [sessions.exchange(bearer(KEY)) for _ in range(MOST + 1)]
    assert not sessions.accepts(bearer(first))
    assert all(sessions.accepts(bearer(session)) for session in others)

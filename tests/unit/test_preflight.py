"""What is asked once before a start."""

import pytest

from vui_litellm.tools import preflight


@pytest.mark.parametrize("version", preflight.TESTED_VUI)
def test_a_tested_vui_starts_without_a_word(
    version: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "version", {"vui-tts": version}.__getitem__)
    preflight.warn_if_untested()
    assert capsys.readouterr() == ("", "")


def test_another_vui_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "version", {"vui-tts": "1.2.9"}.__getitem__)
    preflight.warn_if_untested()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("[vui-litellm] vui 1.2.9 is untested here (tested: 1.2.2, 1.2.3).")
    assert err.count("\n") == 1


def test_without_vuis_speech_it_says_how_to_install_it_and_the_way_by_text() -> None:
    with pytest.raises(preflight.NoVoice) as told:
        preflight.require_voice()  # nothing here has torch
    assert str(told.value).startswith("vui's voice isn't installed here (No module named 'torch').")
    assert str(told.value).endswith(preflight.INSTALL)
    assert "`vui-litellm chat`" in preflight.INSTALL

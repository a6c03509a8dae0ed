"""vui's check of a machine, with our advice."""

import sys
from types import SimpleNamespace

import pytest
import vui
from vui.serving.stream import llm_backend

from vui_litellm.settings import SettingError
from vui_litellm.tools import doctor as module
from vui_litellm.tools.preflight import NEEDS_GPU


@pytest.fixture(autouse=True)
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """No gateway, and vui as it was after each."""
    monkeypatch.setenv("VUI_LITELLM_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("VUI_LLM_BACKEND", "")
    monkeypatch.setattr(llm_backend, "_BACKEND", None)
    from vui import doctor

    monkeypatch.setattr(doctor, "Report", doctor.Report)


def test_its_advice_is_never_vuis_for_another_way_of_installing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert module.doctor() == 1
    said = capsys.readouterr().out
    assert "[FAIL] torch" in said
    assert module.CURES["torch"] in said
    assert module.CURES["ffmpeg"] in said
    for theirs in ("uv sync", "install.sh", "VUI_VLLM_URL", "VUI_LLM_BACKEND", "cpu/"):
        assert theirs not in said


def test_a_gateway_that_cannot_be_used_is_told_with_its_cure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert module.doctor() == 1
    said = capsys.readouterr().out
    assert "[FAIL] llm" in said
    assert "-> The gateway at http://127.0.0.1:9 doesn't answer" in said


def test_no_gpu_is_a_failure_with_the_way_by_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hardware = SimpleNamespace(compute_capability=lambda: None, dtype=lambda: "torch.float32")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(__version__="2.11.0"))
    monkeypatch.setitem(sys.modules, "vui.hardware", hardware)
    monkeypatch.setattr(vui, "hardware", hardware, raising=False)
    assert module.doctor() == 1
    said = capsys.readouterr().out
    assert "[FAIL] gpu" in said
    assert NEEDS_GPU in said


def test_a_bad_setting_is_told_before_all_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VUI_LITELLM_CONTEXT", "much")
    with pytest.raises(SettingError, match="VUI_LITELLM_CONTEXT"):
        module.doctor()

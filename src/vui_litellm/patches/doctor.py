"""vui's check of this machine, with our cures."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["run_doctor"]


def run_doctor(cures: Mapping[str, str]) -> int:
    """Run vui's check of this machine, with our cure for each of its items; its exit code.

    Without a GPU it fails; and so does `llm` where there is a cure for it.
    """
    from vui import doctor

    class Report(doctor.Report):
        def add(self, status: str, item: str, detail: str, remedy: str = "") -> None:
            if (item == "gpu" and remedy) or (item == "llm" and item in cures):
                status, remedy = doctor.FAIL, cures[item]
            super().add(status, item, detail, cures.get(item, remedy) if remedy else "")

    doctor.Report = Report
    return doctor.main()

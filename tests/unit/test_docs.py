"""What the runs wrote into docs/ is as they wrote it."""

import json

from tests.support.report import PAGE, STORE, render


def test_the_page_shows_the_figures_on_file() -> None:
    assert PAGE.read_text() == render(json.loads(STORE.read_text())), "run `make docs`"

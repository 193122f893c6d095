"""The guide as a set: every page can be shown, is listed, fits a terminal, and leads on to pages that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mtkit.cli.guide import PAGES, TOPICS
from mtkit.cli.guide_page import rendered
from tests.test_layers import FLOORS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def page(topic: str) -> str:
    return (PAGES / f"{topic}.md").read_text(encoding="utf-8")


def test_every_page_is_a_topic_and_every_topic_a_page() -> None:
    assert {path.stem for path in PAGES.iterdir()} == set(TOPICS)
    assert all(path.suffix == ".md" for path in PAGES.iterdir())


def test_the_readme_lists_the_topics_as_the_command_does() -> None:
    listed = re.findall(r"^\| \[([\w-]+)\]\(mtkit/guide/([\w-]+)\.md\) \| (.+?) \|$", README, flags=re.MULTILINE)
    assert [(name, file, about) for name, file, about in listed] == [
        (topic, topic, about) for topic, about in TOPICS.items()
    ]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 180


@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_has_one_title_and_leads_to_it_by_its_name(topic: str) -> None:
    titles = re.findall(r"^# (.+)$", re.sub(r"```.*?```", "", page(topic), flags=re.DOTALL), flags=re.MULTILINE)
    assert [title.lower().split()[-1] for title in titles] == [topic.split("-")[-1]]
    assert page(topic).startswith(f"# {titles[0]}\n")


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("topic", TOPICS)
def test_a_page_fits_a_terminal_and_keeps_its_words(topic: str, width: int) -> None:
    shown = rendered(page(topic), width=width, colour=False)
    assert max(map(len, shown.splitlines())) <= width
    assert "\x1b" not in shown
    words = re.findall(r"[A-Za-z]{3,}", re.sub(r"\]\([^)]*\)|```\w+", "", page(topic)))
    missing = {word for word in words if word not in shown.replace("\n", "")}
    assert {word for word in missing if word not in re.sub(r"\s", "", shown)} == set()


@pytest.mark.parametrize("topic", TOPICS)
def test_lines_of_code_fit_a_terminal_of_80_columns_but_for_what_a_command_printed(topic: str) -> None:
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```", page(topic), flags=re.MULTILINE | re.DOTALL):
        lines = block.splitlines()
        if kind == "console":
            lines = [line for line in lines if line.startswith("$ ")]
        assert [line for line in lines if len(line) > 78] == []


@pytest.mark.parametrize("topic", TOPICS)
def test_anchors_within_a_page_lead_to_its_headings(topic: str) -> None:
    titles = re.findall(r"^#+ (.+)$", page(topic), flags=re.MULTILINE)
    headings = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", page(topic))) <= headings


def test_the_architecture_shows_the_floors_that_the_test_of_layers_holds() -> None:
    table = page("architecture").partition("## Floors")[2].partition("\n## ")[0]
    floors: dict[int, set[str]] = {}
    for number, rooms in re.findall(r"^\| (\d*) ?\| (`[^|]+) \|", table, flags=re.MULTILINE):
        floor = int(number) if number else min(floors)  # a row without a number is of the floor above it
        floors.setdefault(floor, set()).update(re.findall(r"`(\w+)`", rooms))
    assert floors == dict(enumerate(FLOORS))

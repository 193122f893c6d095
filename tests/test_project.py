"""What stands around the package: version, changelog, what a distribution holds, what is needed in which version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import mtkit
from tests.oldest.minimums import minimums

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SECTIONS = re.findall(
    r"^## \[(\S+)\](?: - (\S+))?\n(.*?)(?=^## |^\[|\Z)",
    (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"),
    flags=re.MULTILINE | re.DOTALL,
)
"""Version, day and text of each section of the changelog."""


def number(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def test_the_changelog_begins_with_this_version() -> None:
    newest, *_ = (version for version, _, _ in SECTIONS if version != "Unreleased")
    assert newest == mtkit.__version__


def test_versions_fall_and_each_has_a_day_and_a_text() -> None:
    versions = [number(version) for version, _, _ in SECTIONS if version != "Unreleased"]
    assert versions == sorted(set(versions), reverse=True)
    days = [day for version, day, _ in SECTIONS if version != "Unreleased"]
    assert days == sorted(days, reverse=True)
    for version, day, text in SECTIONS:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", day) or version == "Unreleased"
        assert "- " in text


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", ".ci"])
def test_a_source_distribution_holds_what_stands_beside_the_package(name: str) -> None:
    assert (ROOT / name).exists()
    assert name in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]


@pytest.mark.parametrize("install", ["light", "full"])
def test_every_package_that_mtkit_needs_has_a_least_version(install: str) -> None:
    assert all(minimums(install).values())


def test_tools_are_pinned() -> None:
    for requirement in PROJECT["project"]["optional-dependencies"]["dev"]:
        assert re.fullmatch(r"[\w.-]+==[\d.]+", requirement), requirement


def test_every_target_that_contributors_are_told_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    told = set(re.findall(r"`make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert told <= targets
    steps = set(re.findall(r"^make ([a-z-]+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), flags=re.MULTILINE))
    assert {"lint", "coverage", "test-oldest", "demo"} <= steps <= targets

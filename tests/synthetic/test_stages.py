"""Stages of a recipe: what is there is not made again."""

from __future__ import annotations

from pathlib import Path

from mtkit.synthetic.stages import Stages
from mtkit.training.processes import ALONE, Processes


def test_a_stage_is_made_once_and_the_first_that_is_missing_is_where_resuming_goes_on(tmp_path: Path) -> None:
    made: list[str] = []

    def make(folder: Path) -> None:
        made.append(folder.parent.name)
        folder.mkdir(parents=True)

    def run() -> list[Path | None]:
        stages = Stages(tmp_path / "recipe", ALONE)
        assert stages.begin()
        return [stages.folder(f"{number}/pairs", make) for number in (1, 2, 3)]

    assert not Stages(tmp_path / "recipe", ALONE).have_begun
    folders = run()
    assert folders == [tmp_path / "recipe" / number / "pairs" for number in "123"]
    assert Stages(tmp_path / "recipe", ALONE).have_begun
    (tmp_path / "recipe" / "2" / "pairs").rmdir()
    (tmp_path / "recipe" / "2").rmdir()
    assert run() == folders
    assert made == ["1", "2", "3", "2"]


def test_a_stage_with_nothing_to_make_leaves_no_folder(tmp_path: Path) -> None:
    assert Stages(tmp_path, ALONE).folder("1", lambda folder: None) is None


def test_hosts_that_do_not_see_the_folder_are_noticed(tmp_path: Path) -> None:
    class Blind(Processes):
        """One of two, to whose other the folder is missing."""

        def largest(self, number: int) -> int:
            return max(number, 1)

    assert not Stages(tmp_path / "recipe", Blind()).begin()

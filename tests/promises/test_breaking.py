"""Promises under many small accidents: flipped bits and kills, seeded and bounded.

Each is tried a few times here, and as often as a person would need to believe it by `make test-slow`. Flipped bits in
shards and graphs, and kills of a training, are in `test_storage`, `test_translating` and `tests/training/test_killed`.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mtkit.dataset import PreparedCorpus
from mtkit.errors import InputError
from mtkit.model_folder import ModelFolder
from mtkit.storage import sha256
from mtkit.training.whole_state import newest_whole_state, saved_states
from mtkit.translation import Translator

ROOT = Path(__file__).parent.parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
LINES = ["The red cat sees a dog.", "The wise king wants a horse today."]


def flip(file: Path, rng: random.Random) -> bytes:
    """Flip one bit of a file, and return what it held before."""
    content = bytearray(before := file.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    file.write_bytes(content)
    return before


def is_one_line(error: InputError) -> bool:
    return error.exit_code == 2 and str(error).isprintable() and len(str(error)) > 0


def tree(folder: Path) -> dict[str, str]:
    """The files of a folder, by what they hold."""
    return {str(path.relative_to(folder)): sha256(path) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("tries", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_a_training_never_goes_on_from_a_state_with_a_flipped_bit(
    model_folder: Path, tmp_path: Path, tries: int
) -> None:
    training = shutil.copytree(model_folder / "training", tmp_path / "training")
    (state,) = saved_states(training)
    rng = random.Random(3)
    for _ in range(tries):
        file = rng.choice(sorted(state.iterdir()))
        before = flip(file, rng)
        choice = newest_whole_state(training)
        assert choice.state is None, file
        assert [line.startswith(f"{state}: is damaged") and line.isprintable() for line in choice.damaged] == [True]
        file.write_bytes(before)
    assert newest_whole_state(training).state == state


@pytest.mark.parametrize("tries", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_a_flipped_bit_in_config_json_is_refused_or_changes_no_translation(
    model_folder: Path, tmp_path: Path, tries: int
) -> None:
    copy = shutil.copytree(model_folder, tmp_path / "model", ignore=shutil.ignore_patterns("training"))
    expected = [one.text for one in Translator.load(copy, device="cpu", threads=1).translate(LINES)]
    before = tree(tmp_path)
    rng, refused = random.Random(4), 0
    for _ in range(tries):
        content = flip(copy / "config.json", rng)
        error = None
        try:
            translator = Translator.load(copy, device="cpu", threads=1)
            assert [one.text for one in translator.translate(LINES)] == expected
        except InputError as raised:
            error = raised
        assert error is None or is_one_line(error)
        refused += error is not None
        (copy / "config.json").write_bytes(content)
    assert refused
    assert tree(tmp_path) == before, "reading writes nothing"


@pytest.mark.parametrize("tries", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_a_flipped_bit_in_a_manifest_is_refused_or_changes_no_pair(
    prepared: PreparedCorpus, tmp_path: Path, tries: int
) -> None:
    copy = shutil.copytree(prepared.path, tmp_path / "prepared")
    everything = range(len(prepared.train))
    expected = prepared.train.src_texts(everything), prepared.train.tgt_texts(everything)
    rng, refused = random.Random(5), 0
    for _ in range(tries):
        content = flip(copy / "manifest.json", rng)
        error = None
        try:
            train = PreparedCorpus.open(copy).train
            assert (train.src_texts(everything), train.tgt_texts(everything)) == expected
        except InputError as raised:
            error = raised
        assert error is None or is_one_line(error)
        refused += error is not None
        (copy / "manifest.json").write_bytes(content)
    assert refused


@pytest.mark.parametrize("tries", [1, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.parametrize("command", ["preprocess", "export"])
def test_whatever_is_killed_is_whole_or_not_there_and_the_next_run_is_as_the_first(
    command: str, tries: int, parallel_text: Path, model_folder: Path, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    arguments = ["export", str(place / "model")]
    if command == "preprocess":
        text = ["--langs", "en-fr", "--train", f"{parallel_text}/train", "--valid", f"{parallel_text}/valid"]
        arguments = ["preprocess", *text, "--out", str(place / "prepared"), "--force"]
    else:
        shutil.copytree(model_folder, place / "model", ignore=shutil.ignore_patterns("training"))
    run = [sys.executable, "-m", "mtkit", *arguments, "--quiet"]
    began = time.perf_counter()
    subprocess.run(run, env=ENVIRONMENT, check=True)
    seconds = time.perf_counter() - began
    whole = tree(place)
    rng = random.Random(6)
    for _ in range(tries):
        process = subprocess.Popen(run, env=ENVIRONMENT)
        time.sleep(rng.uniform(0.1, 1.0) * seconds)
        process.kill()
        process.wait()
        if command == "preprocess":
            PreparedCorpus.open(place / "prepared")
        else:
            Translator.load(ModelFolder.open(place / "model"), device="cpu", threads=1)
        subprocess.run(run, env=ENVIRONMENT, check=True)
        assert tree(place) == whole, "and nothing is left beside it"

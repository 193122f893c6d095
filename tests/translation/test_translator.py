"""The translator keeps lines, and a translation depends on its line alone."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from mtkit import SearchSettings, Translator
from mtkit.errors import ModelFolderError


@pytest.fixture(scope="module")
def translator(model_folder: Path) -> Translator:
    return Translator.load(model_folder, device="cpu", threads=1)


@pytest.fixture(scope="module")
def lines(parallel_text: Path) -> list[str]:
    return (parallel_text / "train.en").read_text(encoding="utf-8").splitlines()[:120]


@pytest.mark.parametrize("beam_size", [1, 5])
def test_the_batch_never_changes_the_translation(model_folder: Path, lines: list[str], beam_size: int) -> None:
    mixed = [*lines, "", "The cat.", " ".join(lines[:3])]

    def translate(batch_tokens: int, sources: list[str]) -> dict[str, str]:
        search = SearchSettings(beam_size=beam_size, batch_tokens=batch_tokens)
        found = Translator.load(model_folder, search=search, device="cpu", threads=1).translate(sources)
        assert [translation.source for translation in found] == sources
        return {translation.source: translation.text for translation in found}

    together = translate(100_000, mixed)
    shuffled = random.Random(1).sample(mixed, len(mixed))
    assert translate(1, mixed) == together  # one by one
    assert translate(150, shuffled) == together  # other neighbours, other order


def test_a_larger_beam_never_finds_a_worse_best_by_its_own_score_on_average(
    model_folder: Path, lines: list[str]
) -> None:
    def mean_score(beam_size: int) -> float:
        search = SearchSettings(beam_size=beam_size)
        found = Translator.load(model_folder, search=search, device="cpu", threads=1).translate(lines)
        return sum(translation.score for translation in found) / len(found)

    assert mean_score(5) >= mean_score(1) - 1e-6


def test_scores_of_translations_are_their_forced_log_probabilities(translator: Translator) -> None:
    (translation,) = translator.translate(["The red cat sees a dog."])
    log_prob, tokens = translator.log_probabilities([translation.source], [translation.text])
    assert log_prob / tokens == pytest.approx(translation.score, abs=1e-5)


def test_log_probabilities_add_up_over_pairs(translator: Translator, lines: list[str]) -> None:
    pairs = list(zip(lines[:20], lines[20:40], strict=True))
    one_by_one = [translator.log_probabilities([src], [tgt]) for src, tgt in pairs]
    together = translator.log_probabilities(*(list(side) for side in zip(*pairs, strict=True)))
    assert together[0] == pytest.approx(sum(log_prob for log_prob, _ in one_by_one), rel=1e-6)
    assert together[1] == sum(tokens for _, tokens in one_by_one)


def test_lines_longer_than_any_in_training_go_in_parts_and_lose_nothing(translator: Translator) -> None:
    sentences = ["The red cat sees a dog.", "The calm king wants a horse here.", "The green bird hears a boy."]
    alone = [translation.text for translation in translator.translate(sentences)]
    (joined,) = translator.translate([" ".join(sentences)])
    assert joined.parts == 3
    assert joined.text == " ".join(alone)


def test_what_cannot_be_translated_is_empty_and_marked(translator: Translator) -> None:
    blank, invisible = translator.translate(["  ", "\u200b\u200e"])
    assert (blank.text, blank.untranslatable) == ("", False)
    assert (invisible.text, invisible.untranslatable) == ("", True)


def test_no_lines_give_no_translations(translator: Translator) -> None:
    assert translator.translate([]) == []


def test_threads_share_a_translator(translator: Translator, lines: list[str]) -> None:
    expected = [translation.text for translation in translator.translate(lines[:30])]
    results: dict[int, list[str]] = {}

    def work(name: int) -> None:
        results[name] = [translation.text for translation in translator.translate(lines[:30])]

    workers = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == dict.fromkeys(range(3), expected)


def test_a_folder_that_is_no_model_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelFolderError, match="is not a model folder"):
        Translator.load(tmp_path)

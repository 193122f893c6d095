"""Pairs of a model's own making."""

from __future__ import annotations

from pathlib import Path

from mtkit.dataset import PreparedCorpus
from mtkit.synthetic.translating import Translating, new_pairs, texts_of, write_pairs


def test_each_line_comes_with_its_translation(model_folder: Path) -> None:
    translate = Translating(device="cpu", threads=1, seed=1)
    lines = ["The red cat sees a dog.", "The wise king finds a bird."]
    pairs = translate(model_folder, lines)
    assert [source for source, _ in pairs] == lines
    assert all(target.startswith("Le ") for _, target in pairs)
    assert translate(model_folder, ["", *lines]) == pairs, "an empty line has no translation"


def test_new_is_what_the_corpus_does_not_have_and_once(prepared: PreparedCorpus) -> None:
    sources, targets = texts_of(prepared.train)
    known = list(zip(sources, targets, strict=True))[:3]
    other = ("The red cat.", "Le chat.")
    assert new_pairs([known[0], other, known[1], other, known[2]], prepared) == [other]


def test_pairs_become_a_corpus_that_fits_the_one_they_were_made_for(prepared: PreparedCorpus, tmp_path: Path) -> None:
    pairs = [("The red cat sees a dog.", "Le chat rouge voit un chien."), ("The boy.", "Le garçon.")]
    write_pairs(pairs, prepared, seed=1, out=tmp_path / "pairs")
    added = PreparedCorpus.open(tmp_path / "pairs")
    assert list(zip(*texts_of(added.train), strict=True)) == pairs
    assert texts_of(added.valid) == texts_of(prepared.valid)
    whole = PreparedCorpus.open(prepared.path, added.path)
    assert len(whole.train) == len(prepared.train) + 2

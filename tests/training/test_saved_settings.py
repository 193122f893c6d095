"""What a model remembers of its settings, what it came to, and what a resumed training may change of it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mtkit.configuration import fields
from mtkit.errors import SettingsError
from mtkit.presets import epochs_of_0_1
from mtkit.settings import CorpusSettings, NetworkSettings, TrainSettings
from mtkit.training.saved_settings import (
    MAY_CHANGE,
    as_meant,
    check_same_corpus,
    check_unchanged,
    completed,
    fingerprint,
    resolve_network,
    saved_form,
)

SETTINGS = TrainSettings(preset="small", epochs=3, out="model", valid_every=20, save_every=10)


def test_every_setting_but_the_corpus_and_the_files_of_the_call_is_saved_under_its_flat_name() -> None:
    of_training = {field.name for field in fields(TrainSettings) if field.path[0] != "corpus"}
    files = {"out", "resume", "force", "force_memory", "verify", "init_from", "src_embeddings", "tgt_embeddings"}
    assert saved_form(SETTINGS).keys() == of_training - files
    assert saved_form(replace(SETTINGS, out="other", force=True)) == saved_form(SETTINGS)


def test_equal_settings_have_an_equal_fingerprint_whatever_their_order() -> None:
    saved = saved_form(SETTINGS)
    assert fingerprint(saved) == fingerprint(dict(reversed(saved.items())))
    assert fingerprint(saved) != fingerprint({**saved, "seed": 2})


def test_intervals_follow_the_length_of_an_epoch_unless_they_are_given() -> None:
    def intervals(epoch: int, **given: Any) -> tuple[int, int]:
        settings = completed(TrainSettings(epochs=3, **given), epoch, {})
        return settings.valid_every, settings.save_every

    assert intervals(500) == (500, 500)
    assert intervals(20) == (200, 200), "validations cost time: not after each of many short epochs"
    assert intervals(20, valid_every=30) == (30, 30)
    assert intervals(20, valid_every=30, save_every=7) == (30, 7)
    assert intervals(20, save_every=7) == (200, 7)


def test_what_a_resumed_training_leaves_open_is_what_it_began_with() -> None:
    before = saved_form(SETTINGS)
    open_settings = replace(SETTINGS, epochs=0, valid_every=0, save_every=0)
    assert completed(open_settings, 500, before) == SETTINGS
    assert completed(replace(open_settings, updates=70), 500, before).epochs == 0, "updates are given instead"
    given = replace(SETTINGS, epochs=4, valid_every=40, save_every=30)
    assert completed(given, 500, before) == given


@pytest.mark.parametrize("pairs", [3_000, 20_000, 100_000, 10_000_000])
def test_a_0_that_was_saved_as_0_stands_for_what_it_came_to_then(pairs: int) -> None:
    zeros = {**saved_form(SETTINGS), "epochs": 0, "updates": 0, "valid_every": 0, "save_every": 0}
    meant = as_meant(zeros, pairs, epoch=700)
    assert {key: value for key, value in meant.items() if zeros[key] != value} == {
        "epochs": epochs_of_0_1(pairs),
        "valid_every": 700,
        "save_every": 700,
    }
    by_updates = as_meant({**zeros, "updates": 50, "save_every": 9}, pairs, epoch=20)
    assert (by_updates["epochs"], by_updates["valid_every"], by_updates["save_every"]) == (0, 200, 9)
    assert as_meant(saved_form(SETTINGS), pairs, epoch=700) == saved_form(SETTINGS)


def test_only_where_and_how_long_a_training_runs_may_change() -> None:
    where_and_how_long = ["accumulate", "device", "patience", "precision", "save_minutes", "target_bleu", "threads"]
    what_comes_after = ["diversify", "models_each_way"]  # of these, test_diversification tells
    assert sorted(MAY_CHANGE) == sorted(where_and_how_long + what_comes_after)
    before = saved_form(SETTINGS)
    for key, value in before.items():
        other = {**before, key: not value if isinstance(value, bool) else f"{value}1" if value == str(value) else 0.25}
        if key in (*MAY_CHANGE, "epochs", "updates"):
            check_unchanged(before, other)
        else:
            with pytest.raises(SettingsError, match=rf"`resume=True` cannot change `{key}` from .* to .*; leave it"):
                check_unchanged(before, other)


def test_a_setting_that_did_not_exist_when_training_began_changes_nothing() -> None:
    now = saved_form(SETTINGS)
    before = {key: value for key, value in now.items() if key != "word_dropout"}
    check_unchanged(before, {**now, "word_dropout": 0.5})


def test_a_corpus_may_come_from_elsewhere_and_its_vocabulary_too_where_one_is_given() -> None:
    began = CorpusSettings(langs="en-fr", vocab_size=500)
    moved = replace(began, train=("elsewhere/train",), valid=("elsewhere/valid",))
    check_same_corpus(began, moved, vocabulary_is_given=False)
    borrowed = replace(moved, vocabulary="model", vocab_size=0, joint=False)
    check_same_corpus(began, borrowed, vocabulary_is_given=True)
    with pytest.raises(SettingsError, match="cannot change `vocab_size` from 500 to 0"):
        check_same_corpus(began, borrowed, vocabulary_is_given=False)
    with pytest.raises(SettingsError, match="cannot change `max_length` from 250 to 9"):
        check_same_corpus(began, replace(borrowed, max_length=9), vocabulary_is_given=True)


def test_auto_tying_is_all_for_a_joint_vocabulary_and_target_for_two() -> None:
    assert resolve_network(NetworkSettings(), joint=True).tied_embeddings == "all"
    assert resolve_network(NetworkSettings(), joint=False).tied_embeddings == "target"


def test_one_table_never_serves_two_vocabularies_even_of_one_size() -> None:
    with pytest.raises(SettingsError, match="`tied_embeddings=all` needs a joint vocabulary, and this corpus has two"):
        resolve_network(NetworkSettings(tied_embeddings="all"), joint=False)
    asked = NetworkSettings(tied_embeddings="none")
    assert resolve_network(asked, joint=True) == asked

"""The settings of a training as its model remembers them, and which of them a resumed training may change."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from mtkit.configuration import field_names
from mtkit.errors import SettingsError
from mtkit.presets import epochs_of_0_1
from mtkit.settings import CorpusSettings, NetworkSettings, TrainSettings

OF_VOCABULARIES = field_names(CorpusSettings, comes_with="vocabulary")
"""Settings that vocabularies bring with them where they are taken over."""
LENGTHS = field_names(TrainSettings, resume="extend")
"""Settings that a resumed training may raise, where that leaves its past as it was."""
MAY_CHANGE = field_names(TrainSettings, resume="free", saved=True)
"""Settings that a resumed training may change: they decide where and how long it runs, not what it learns.

Of `accumulate` that is true together with the number of processes; where their product changes, there is a warning.
`diversify` and `models_each_way` are about what comes after this model.
"""
FORGOTTEN = field_names(TrainSettings, saved=False)
"""Settings that name files and state what is done with them; a model does not remember them, since it can be copied."""

SHORTEST_INTERVAL, LONGEST_INTERVAL = 200, 5_000
"""Updates between two validations, at the least and at the most, where nobody asks for another number. An epoch of
400,000 pairs has fewer than the most."""

Saved = Mapping[str, Any]
"""Settings of training by flat name, as in config.json."""


def saved_form(settings: TrainSettings) -> dict[str, Any]:
    """Return the settings of training as a `--config` file has them, without those that a model does not remember."""
    tree = msgspec.to_builtins(settings)
    del tree["corpus"]
    flat = {**tree.pop("network"), **tree}
    return {key: value for key, value in flat.items() if key not in FORGOTTEN}


def fingerprint(saved: Saved) -> str:
    """Return a hash of settings as they are saved."""
    return hashlib.sha256(msgspec.json.encode(saved, order="sorted")).hexdigest()


def completed(settings: TrainSettings, epoch: int, before: Saved) -> TrainSettings:
    """Leave nothing open: give a resumed training the lengths and intervals it had, and a new one what suits it.

    Args:
        settings: of the training; a 0 of these is one that nobody gave.
        epoch: its updates.
        before: the settings that a resumed training began with; else it is empty.
    """
    if before and not (settings.epochs or settings.updates):
        settings = replace(settings, epochs=before["epochs"], updates=before["updates"])
    valid = settings.valid_every or before.get("valid_every") or usual_interval(epoch)
    save = settings.save_every or before.get("save_every") or valid
    return replace(settings, valid_every=valid, save_every=save)


def usual_interval(epoch: int) -> int:
    """Return the updates between two validations where an epoch has this many."""
    return min(max(SHORTEST_INTERVAL, epoch), LONGEST_INTERVAL)


def as_meant(saved: Saved, pairs: int, epoch: int) -> Saved:
    """Return saved settings with what a 0 stood for in mtkit 0.1, and what it had not.

    Args:
        saved: the settings of training in a config.json.
        pairs: the size of the corpus.
        epoch: the updates of an epoch.
    """
    epochs = saved["epochs"] or (0 if saved["updates"] else epochs_of_0_1(pairs))
    valid = saved["valid_every"] or max(SHORTEST_INTERVAL, epoch)
    meant = {"epochs": epochs, "valid_every": valid, "save_every": saved["save_every"] or valid}
    return {"byte_spelling": 0.0, **saved, **meant}


def check_unchanged(before: Saved, now: Saved) -> None:
    """Raise `SettingsError` where a resumed training has a setting that would make it learn otherwise than it began."""
    for key, value in now.items():
        if key not in (*MAY_CHANGE, *LENGTHS):
            _check_same(key, before.get(key, value), value)  # one that mtkit did not have then has changed nothing


def check_same_corpus(before: CorpusSettings, now: CorpusSettings, *, vocabulary_is_given: bool) -> None:
    """Raise `SettingsError` where a corpus was prepared in another way than is asked for."""
    free = {*FORGOTTEN, *(OF_VOCABULARIES if vocabulary_is_given else ())}
    began = msgspec.to_builtins(before)
    for key, value in msgspec.to_builtins(now).items():
        if key not in free:
            _check_same(key, began[key], value)


def resolve_network(network: NetworkSettings, joint: bool) -> NetworkSettings:
    """Replace `auto` by what it means for a corpus with one joint vocabulary, or with two.

    Raises:
        SettingsError: one table cannot serve two vocabularies.
    """
    if network.tied_embeddings == "all" and not joint:
        raise SettingsError(
            "`tied_embeddings=all` needs a joint vocabulary, and this corpus has two; use `tied_embeddings=target`"
        )
    if network.tied_embeddings == "auto":
        return replace(network, tied_embeddings="all" if joint else "target")
    return network


def _check_same(key: str, before: object, now: object) -> None:
    if before != now:
        raise SettingsError(
            f"`resume=True` cannot change `{key}` from {before} to {now}; leave it as it was, or train into another "
            "`out`"
        )

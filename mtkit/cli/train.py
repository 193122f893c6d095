"""`mtkit train`."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mtkit.cli.console import Console
from mtkit.cli.evaluate import warn_without_bleu
from mtkit.cli.options import Argument, add_command, option_order
from mtkit.configuration import DEFAULT, FLAG, RESUMED, Resolved, as_flags, for_corpus
from mtkit.errors import Interrupted, MissingExtraError, SettingsError
from mtkit.presets import RECIPES, diversified_epochs
from mtkit.process import training_memory
from mtkit.settings import CorpusSettings, TrainSettings
from mtkit.text.languages import split_langs

if TYPE_CHECKING:
    from mtkit.dataset.prepared import PreparedCorpus


def register(app: typer.Typer) -> None:
    """Add the command."""
    add_command(
        app,
        "train",
        TrainSettings,
        run,
        example="mtkit train build/en-fr --out models/en-fr",
        argument=Argument(
            "prepared",
            "Folder that mtkit preprocess wrote; or give raw text with --train. Several folders of one vocabulary are "
            "one corpus, validated on the pairs of the first.",
            required=False,
            repeats=True,
        ),
        switches={"show_config": "Print every setting and where it came from, and stop."},
    )


def run(resolved: Resolved[TrainSettings], given: Mapping[str, Any], console: Console) -> None:
    """Train a model on a prepared corpus, or straight from parallel text."""
    from mtkit.starting_point import from_starting_point

    prepared = given["prepared"] or ()
    resolved = from_starting_point(resolved)
    if given["show_config"]:
        if prepared:
            from mtkit.dataset.prepared import PreparedCorpus

            corpus = PreparedCorpus.open(*map(Path, prepared), verify=False)
            resolved = for_corpus(from_starting_point(resolved, corpus.fingerprint), corpus.size)
        print("\n".join(config_table(resolved, corpus_known=bool(prepared))))
        return
    _check_corpus(resolved, prepared)
    try:
        from mtkit.synthetic.train import train
        from mtkit.training import join, open_corpus
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{error.name} is missing; training needs the full install: pip install 'mtkit[train]'"
        ) from error
    from mtkit.cli.training_display import TrainingDisplay
    from mtkit.lock import locked

    out = resolved.settings.out
    with (
        training_memory(),
        join(resolved.settings.device) as processes,
        locked(Path(out)) if out and processes.is_first else nullcontext(),  # raw text is prepared beside it already
    ):
        if (langs := resolved.settings.corpus.langs) and processes.is_first:
            warn_without_bleu(split_langs(langs)[1], console)
        corpus = open_corpus(resolved.settings, prepared, lambda line: console.say(as_flags(line)), processes)
        begun = processes.first(lambda: from_starting_point(resolved, corpus.fingerprint))
        resolved = for_corpus(begun, corpus.size)
        chosen = resolved.settings.preset == "auto" and resolved.origins["preset"] != RESUMED
        choice = _choice(resolved, corpus) if chosen else ()
        with TrainingDisplay(console, choice) as display:
            try:
                train(resolved.settings, corpus, display.draw, processes)
            except Interrupted as stopped:
                raise Interrupted(f"{stopped}. Go on with: {_resume_command()}", stopped.exit_code - 128) from stopped


def config_table(resolved: Resolved[TrainSettings], corpus_known: bool) -> list[str]:
    """Return each setting, its value and where that came from, grouped as in `--help`, with a star at what is not one.

    Values that are long push their origin out of its column. Where the corpus is not known yet, what the preset auto
    may choose by it is marked so.
    """
    open_choices = set()
    if not corpus_known and resolved.settings.preset == "auto":
        open_choices = {name for recipe in RECIPES for name in (*recipe.values, "epochs")}
    shown = {name: _shown(value) for name, value in resolved.values.items()}
    names, values = max(map(len, shown)), min(20, max(map(len, shown.values())))
    groups: dict[str, list[str]] = {}
    for field in option_order(TrainSettings):
        origin = resolved.origins[field.name]
        mark = " " if origin == DEFAULT else "*"
        if origin == DEFAULT and field.name in open_choices:
            origin = "default, unless auto chooses another for the corpus"
        line = f"{mark} {field.name:{names}}  {shown[field.name]:{values}}  {origin}"
        groups.setdefault(field.group, []).append(line)
    return [line for group, lines in groups.items() for line in ("", group, *lines)][1:]


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        value = " ".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value) or "-"


def _check_corpus(resolved: Resolved[TrainSettings], prepared: Sequence[str]) -> None:
    """Raise `SettingsError` unless the corpus is given once: prepared, or as raw text."""
    if not prepared:
        if not resolved.settings.corpus.train:
            raise SettingsError(
                "no corpus: give the folder that mtkit preprocess wrote, or raw text with --langs and --train"
            )
        return
    for name in prepared:
        if not Path(name).is_dir() and Path(name).exists():
            raise SettingsError(f"{name}: is a file; raw text is given with --train")
    for name in CorpusSettings.__struct_fields__:
        if resolved.origins[name] == FLAG:
            raise SettingsError(
                f"--{name.replace('_', '-')} is for raw text; {prepared[0]} is prepared already, with settings of its "
                "own"
            )


def _choice(resolved: Resolved[TrainSettings], corpus: PreparedCorpus) -> tuple[str, str]:
    """Return what the preset auto came to, flags and config file included, and why."""
    settings, network = resolved.settings, resolved.settings.network
    length = f"{settings.updates:,} updates" if settings.updates else f"{settings.epochs} epochs"
    if settings.diversify:
        others, last = 2 * settings.models_each_way, diversified_epochs(settings.epochs, settings.models_each_way)
        length += f" for each of {others} models{' and' if settings.updates else f', {last} for'} the last"
    return (
        f"Preset auto, for {corpus.size:,} pairs: {len(corpus.tgt_vocabulary):,} pieces, {network.cell} of "
        f"{network.encoder_layers} + {network.decoder_layers} layers, width {network.hidden_size}, "
        f"{'lexicon, ' * network.has_lexicon}dropout {network.dropout:g}, word dropout {settings.word_dropout:g}, "
        f"smoothing {settings.label_smoothing:g}, batches of {settings.batch_tokens:,} tokens, {length}",
        f"Why: {resolved.reason}; flags and --preset override it",
    )


def _resume_command() -> str:
    """Return what goes on with this training: a command, unless it takes one on each of several hosts."""
    if int(os.environ.get("GROUP_WORLD_SIZE", "1")) > 1:
        return "all processes started again, on every host, with --resume"
    words = [word for word in sys.argv[1:] if word not in ("--force", "--resume")]
    program = ["mtkit"]
    if "TORCHELASTIC_RUN_ID" in os.environ:
        program = ["torchrun", "--nproc-per-node", os.environ["LOCAL_WORLD_SIZE"], "-m", "mtkit"]
    return shlex.join([*program, *words, "--resume"])

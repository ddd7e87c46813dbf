"""Checks of a checkpoint folder before it is loaded: whether it is whole, a PEFT adapter, leftover adapter files, a
template with a clock.

This file does not import torch or transformers at module level.
"""

from __future__ import annotations

import datetime
import functools
import importlib
import json
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from openrft.config.settings import PolicySettings
from openrft.errors import CheckpointError, first_line
from openrft.policies.weight_files import COPY_AGAIN, check_weight_files, has_weights, read_header

MODEL_CONFIG, ADAPTER_CONFIG = "config.json", "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
EMBEDDER_MODULES = "modules.json"
GIVE_ANOTHER = "Give a transformers checkpoint."
# What transformers reads as JSON, and the names under which its tokenizers keep their vocabularies.
_READ_AS_JSON = (MODEL_CONFIG, ADAPTER_CONFIG, "generation_config.json", "tokenizer.json", "tokenizer_config.json")
_VOCABULARIES = ("tokenizer.json", "*.model", "vocab.*", "dict.txt", "*.tiktoken", "tekken.json", "*.tokenizer")

T = TypeVar("T")

logger = logging.getLogger(__name__)


def read_adapter_base(folder: Path) -> str | None:
    """The base model that an adapter folder names: a folder, a hub id or an included model. None for other folders.

    A folder with a full model and an adapter is not an adapter folder. Raises CheckpointError for an adapter that
    cannot be merged into its base.
    """
    file = folder / ADAPTER_CONFIG
    if not file.is_file() or (folder / MODEL_CONFIG).is_file():
        return None
    try:
        config = json.loads(file.read_text("utf-8"))
        base, kind, dora = config.get("base_model_name_or_path"), config.get("peft_type"), config.get("use_dora")
    except (OSError, ValueError, AttributeError) as fault:
        raise CheckpointError(f"{file} cannot be read: {fault}", "Is the adapter complete?") from fault
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise CheckpointError(f"{folder}: there is no {ADAPTER_WEIGHTS} in this adapter.", "Save it as safetensors.")
    if kind != "LORA" or dora:
        raise CheckpointError(
            f"{folder} is an adapter of the kind {'DoRA' if dora else kind}.", "Merge it into its base with PEFT first."
        )
    if not isinstance(base, str) or not base:
        raise CheckpointError(f"{file} names no base model.", "Write its path into base_model_name_or_path.")
    beside = folder / base
    return str(beside) if not Path(base).exists() and beside.exists() else base


def check_checkpoint(folder: Path, adapter: Path | None = None) -> None:
    """Raises CheckpointError for a folder that no language model can be loaded from: files are missing or cut short.
    Reads no weights. `adapter`: the folder of an adapter for it, which may have a tokenizer of its own.
    """
    check_weight_files(folder)
    if (folder / EMBEDDER_MODULES).is_file():
        return  # a sentence-transformers folder, whose parts lie in folders of their own
    if not (folder / MODEL_CONFIG).is_file():
        raise CheckpointError(f"{folder}: there is no {MODEL_CONFIG} in this folder.", GIVE_ANOTHER)
    if adapter is not None:
        read_header(adapter / ADAPTER_WEIGHTS)
    places = [folder] if adapter is None else [folder, adapter]
    for file in (place / name for place in places for name in _READ_AS_JSON):
        if file.is_file():
            _check_json(file)
    if not has_weights(folder):
        pickled = sorted(file.name for kind in ("*.bin", "*.pt", "*.pth") for file in folder.glob(kind))
        raise CheckpointError(
            f"{folder} has no weights as safetensors{f', only pickled ones ({pickled[0]})' if pickled else ''}.",
            "Pickled weights can run code when they are opened: convert them with model.save_pretrained(FOLDER)."
            if pickled
            else COPY_AGAIN,
        )
    _check_tokenizer_files(str(folder), adapter)


def check_config(path: str) -> None:
    """Raises CheckpointError for a folder or hub id whose config transformers cannot read."""
    from transformers import AutoConfig

    try:
        AutoConfig.from_pretrained(path)
    except Exception as fault:  # whatever transformers raises
        raise CheckpointError(f"the config of {path} cannot be read: {first_line(fault)}", GIVE_ANOTHER) from fault


def _check_json(file: Path) -> None:
    try:
        good = isinstance(json.loads(file.read_text("utf-8")), dict)
    except (OSError, ValueError, RecursionError):
        good = False
    if not good:
        raise CheckpointError(f"{file} is not a whole JSON file.", COPY_AGAIN)


def _check_tokenizer_files(path: str, adapter: Path | None) -> None:
    """Raises CheckpointError for a folder without a tokenizer. Some families need no file, so transformers is asked."""
    places = [Path(path)] if adapter is None else [Path(path), adapter]
    if any(file.is_file() for place in places for kind in _VOCABULARIES for file in place.glob(kind)):
        return
    lacks = CheckpointError(
        f"{path} has no tokenizer.", "Copy the tokenizer that was published with the model into the folder."
    )
    try:
        tokens = load_tokenizer(path, adapter, PolicySettings().date).encode("1", add_special_tokens=False)
    except Exception as fault:  # whatever transformers raises
        raise lacks from fault
    if not tokens:  # without their files some are made all the same, with an empty vocabulary
        raise lacks


@contextmanager
def hide_leftover_adapter(path: str) -> Iterator[str]:
    """The path to load a model from. In this context it is a folder without the adapter files.

    transformers and vLLM add an adapter that is in the folder of a full model. After a merge the weights include the
    adapter already, so it would be added twice.
    """
    folder = Path(path)
    if not (folder / ADAPTER_CONFIG).is_file() or not (folder / MODEL_CONFIG).is_file():
        yield path
        return
    logger.warning("%s holds a whole model beside an adapter: the model is used as it is, without the adapter.", path)
    with tempfile.TemporaryDirectory(prefix="openrft-model-") as aside:
        for file in folder.iterdir():
            if not file.name.startswith("adapter_"):
                (Path(aside) / file.name).symlink_to(file.resolve())
        yield aside


def load_tokenizer(path: str, adapter: Path | None, date: str) -> Any:
    """The tokenizer of a checkpoint folder or hub id, or that which was saved with an adapter. Its template prints
    `date` as today's. Raises whatever transformers raises."""
    from transformers import AutoTokenizer

    own = adapter is not None and (adapter / "tokenizer_config.json").is_file()
    return pin_template_date(AutoTokenizer.from_pretrained(adapter if own else path), date)


def check_tokenizer(tokenizer: Any, model: Any, path: str, prompt: Sequence[int]) -> None:
    """Raises CheckpointError for a tokenizer that writes tokens which the model has no embedding for. Added tokens that
    are beyond its embeddings do no harm, as long as none is in a `prompt` such as every question has."""
    rows = int(model.get_input_embeddings().weight.shape[0])
    count = max(tokenizer.vocab_size, max(prompt, default=0) + 1)
    if count > rows:
        raise CheckpointError(
            f"the tokenizer of {path} writes {count:,} tokens, and the model's embeddings have {rows:,} rows.",
            "Copy the tokenizer that was published with the model into the folder.",
        )


def pin_template_date(tokenizer: T, date: str = PolicySettings().date) -> T:
    """Make the tokenizer's chat template print `date` (YYYY-MM-DD) as today's date.

    Otherwise a run that is resumed on another day would see other prompts, and no result could be reproduced. The date
    is a setting (`policy.date`) with a fixed default, and not the day of a run's first start. So it is in the plan,
    every process has it without reading the run's folder, the trained checkpoint is evaluated with it, and runs of
    different days share stored results: equal settings give equal prompts.
    """
    anyone: Any = tokenizer
    today = datetime.datetime.strptime(date, "%Y-%m-%d")
    anyone.apply_chat_template = functools.partial(_apply_with_pinned_date, tokenizer, today)
    return tokenizer


def _apply_with_pinned_date(tokenizer: Any, today: datetime.datetime, *arguments: Any, **named: Any) -> Any:
    """The tokenizer's `apply_chat_template`, with another clock for the function `strftime_now` of templates.

    transformers turns a function that is passed as an argument into text, so the clock itself is replaced.
    """
    templates: Any = importlib.import_module("transformers.utils.chat_template_utils")
    clock, templates.datetime = templates.datetime, _PinnedClock(today)
    try:
        return type(tokenizer).apply_chat_template(tokenizer, *arguments, **named)
    finally:
        templates.datetime = clock


class _PinnedClock:
    """Replaces the class `datetime`."""

    def __init__(self, today: datetime.datetime) -> None:
        self._today = today

    def now(self) -> datetime.datetime:
        return self._today

"""Write a policy into a folder, completely or not at all: as a checkpoint, or as an adapter for its base.

The folder also has a description of the policy (description.py) and a model card. Any server that reads the
folder asks the policy as it was trained: the instruction is the default system turn of its chat template, and
generation_config.json has the temperature and the longest answer.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openrft.errors import UsageError
from openrft.policies.base import Policy
from openrft.policies.description import PolicyDescription, write_demonstrations, write_description
from openrft.runtime.files import report_disk_errors
from openrft.types import Demonstration

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Companions:
    """The files of an exported policy besides its weights."""

    description: PolicyDescription
    card: str  # the model card, in Markdown
    pool: Sequence[Demonstration] = ()  # the demonstrations that the policy was trained with
    metrics: Path | None = None  # of RL


def export_checkpoint(policy: Policy, folder: Path, companions: Companions | None = None) -> None:
    """Write model and tokenizer to `folder`, with any adapter merged.

    Raises UsageError for a server's policy, or a folder that holds anything.
    """
    if not hasattr(policy, "merge_adapter"):
        raise UsageError("a policy behind a server cannot be written.", "Give a checkpoint folder with --policy.")
    policy.merge_adapter()
    model: Any = policy.model  # type: ignore[attr-defined]
    with write_folder(folder) as aside:
        model.save_pretrained(aside, safe_serialization=True)
        save_tokenizer(policy, aside, companions.description.instruction if companions else "")
        if companions:
            write_generation_config(model, aside, companions.description)
            write_companions(aside, companions)
    logger.info("wrote the checkpoint %s", folder)


def export_gguf(policy: Policy, folder: Path, precision: str, companions: Companions) -> None:
    """Write a GGUF file to `folder`, with any adapter merged, and a Modelfile.

    Raises UsageError for a model that cannot be written so, or a folder that holds anything.
    """
    from openrft.policies import gguf_export

    policy.merge_adapter()  # type: ignore[attr-defined]
    own: Any = policy
    about = companions.description
    gguf_export.check_gguf_export(own.model, own.tokenizer)
    template = own.prompts.fixed_source
    if about.instruction:
        template = add_instruction(template, about.instruction, own.prompts.takes_system)
    with write_folder(folder) as aside:
        gguf_export.write_gguf(own.model, own.tokenizer, template, aside / gguf_export.FILE, precision)
        (aside / gguf_export.MODELFILE).write_text(gguf_export.build_modelfile(about), encoding="utf-8")
        write_companions(aside, companions)
    logger.info("wrote the GGUF file %s", folder / gguf_export.FILE)


def write_companions(folder: Path, companions: Companions) -> None:
    """Write description, model card, demonstrations and metrics."""
    write_description(folder, companions.description)
    (folder / "README.md").write_text(companions.card, encoding="utf-8")
    if companions.description.demonstrations:
        write_demonstrations(folder, companions.pool)
    if companions.metrics is not None:
        shutil.copyfile(companions.metrics, folder / companions.metrics.name)


def save_tokenizer(policy: Any, folder: Path, instruction: str) -> None:
    """Write the tokenizer. Its template has thinking switched as the policy was trained, and gives the instruction to
    conversations that have none."""
    tokenizer, template = policy.tokenizer, policy.tokenizer.chat_template
    try:
        tokenizer.chat_template = policy.prompts.fixed_source
        tokenizer.save_pretrained(folder)
    finally:
        tokenizer.chat_template = template
    file = folder / "chat_template.jinja"
    if instruction and file.is_file():
        source = file.read_text(encoding="utf-8")
        file.write_text(add_instruction(source, instruction, policy.prompts.takes_system), encoding="utf-8")


def add_instruction(template: str, instruction: str, takes_system: bool) -> str:
    """The chat template, with the instruction as the system turn of conversations that have none; before the first
    user turn if the template has no place for a system turn.

    The template's first lines change the conversation, so the rest of the template sees it with the instruction.
    """
    words = json.dumps(instruction, ensure_ascii=False)
    if takes_system:
        missing = "not messages or messages[0]['role'] != 'system'"
        changed = f"[{{'role': 'system', 'content': {words}}}] + messages"
    else:
        missing = f"messages and messages[0]['role'] == 'user' and {words} not in messages[0]['content']"
        joined = f"{words} + '\\n\\n' + messages[0]['content']"
        changed = f"[{{'role': 'user', 'content': {joined}}}] + messages[1:]"
    return f"{{%- if {missing} -%}}{{%- set messages = {changed} -%}}{{%- endif %}}{template}"


def write_generation_config(model: Any, folder: Path, description: PolicyDescription) -> None:
    """Write generation_config.json with the temperature and the longest answer of the policy's evaluation."""
    how = description.settings.get("evaluate", {})
    config = json.loads(model.generation_config.to_json_string(use_diff=True))
    config.pop("_from_model_config", None)  # a mark that would have transformers ignore the file
    temperature = how.get("temperature")
    if temperature is not None:
        config["do_sample"] = temperature > 0
        for name in ("temperature", "top_p"):
            config.pop(name, None)
            if temperature > 0 and name in how:
                config[name] = how[name]
    if "max_tokens" in how:
        config.pop("max_length", None)
        config["max_new_tokens"] = how["max_tokens"]
    (folder / "generation_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", "utf-8")


@contextmanager
def write_folder(folder: Path) -> Iterator[Path]:
    """A folder to write into, which becomes `folder` at the end of the context, with file modes as umask says.

    Raises UsageError if `folder` holds anything.
    """
    aside = folder.with_name(folder.name + ".part")
    with report_disk_errors(folder.parent):
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        yield aside
        for file in aside.rglob("*"):
            file.chmod((0o777 if file.is_dir() else 0o666) & ~_read_umask())  # some libraries write for the owner only
        check_new_folder(folder)
        if folder.exists():
            folder.rmdir()
        aside.rename(folder)


def check_new_folder(folder: Path) -> None:
    """Raises UsageError for a folder that holds anything."""
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(f"--out {folder}: the folder is not empty.", "Give a new folder.")


def reserve_folder(folder: Path) -> None:
    """Make the folder, which must be new or empty: better to fail now than when a trained policy cannot be written."""
    with report_disk_errors(folder.parent):
        folder.mkdir(parents=True, exist_ok=True)
    check_new_folder(folder)


def _read_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

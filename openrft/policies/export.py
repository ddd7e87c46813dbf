"""Write a policy as a checkpoint, completely or not at all."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from openrft.errors import UsageError
from openrft.policies.base import Policy
from openrft.runtime.files import report_disk_errors

logger = logging.getLogger(__name__)


def export_checkpoint(policy: Policy, folder: Path, beside: Sequence[Path] = ()) -> None:
    """Write model and tokenizer to `folder`, with any adapter merged, and copies of the files `beside`.

    Raises UsageError for a server's policy.
    """
    if not hasattr(policy, "merge_adapter"):
        raise UsageError("a policy behind a server cannot be written.", "Give a checkpoint folder with --policy.")
    policy.merge_adapter()
    aside = folder.with_name(folder.name + ".part")
    with report_disk_errors(folder.parent):
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        policy.model.save_pretrained(aside, safe_serialization=True)  # type: ignore[attr-defined]
        _save_tokenizer(policy, aside)
        for file in beside:
            shutil.copyfile(file, aside / file.name)
        if folder.exists():
            folder.rmdir()  # refuses a folder that holds anything
        aside.rename(folder)
    logger.info("wrote the checkpoint %s", folder)


def _save_tokenizer(policy: Any, folder: Path) -> None:
    """Write the tokenizer. Its template has thinking switched as the policy was trained."""
    tokenizer, template = policy.tokenizer, policy.tokenizer.chat_template
    try:
        tokenizer.chat_template = policy.prompts.fixed_source
        tokenizer.save_pretrained(folder)
    finally:
        tokenizer.chat_template = template

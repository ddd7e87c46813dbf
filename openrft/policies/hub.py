"""Push a policy's folder to a hub: huggingface.co, or the one that HF_ENDPOINT names.

huggingface_hub does it, with the token of `hf auth login` or HF_TOKEN. It is imported when a folder is pushed.
"""

from __future__ import annotations

from pathlib import Path

from openrft.errors import PolicyError, UsageError, first_line


def check_push(repository: str) -> None:
    """Raises UsageError for a name that is not ORG/NAME, an offline mode or a missing token. Asks no server."""
    from huggingface_hub import constants, get_token
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repository)
    except HFValidationError as fault:
        raise UsageError(f"--push {repository}: {first_line(fault)}") from fault
    if repository.count("/") != 1:
        raise UsageError(f"--push {repository}: this is not a repository's name.", "Give ORG/NAME.")
    if constants.HF_HUB_OFFLINE:
        raise UsageError("--push: HF_HUB_OFFLINE is set.", "Unset it, or push the folder later with hf upload.")
    if get_token() is None:
        raise UsageError("--push needs a token of the hub.", "Run hf auth login, or set HF_TOKEN.")


def push_folder(folder: Path, repository: str, title: str, public: bool) -> str:
    """Push the files of `folder` to the repository, which is made if it is not there. Returns its address.

    A new repository is private unless `public`. Raises UsageError for one that is public already and was not asked to
    be, before anything is sent, and PolicyError where the hub refuses.
    """
    from huggingface_hub import HfApi

    hub = HfApi(library_name="openrft")
    try:
        address = str(hub.create_repo(repository, private=not public, exist_ok=True))
        exposed = not public and not hub.model_info(repository).private
        if not exposed:
            hub.upload_folder(repo_id=repository, folder_path=folder, commit_message=f"{title} (OpenRFT)")
    except Exception as fault:  # the network, the hub and its client fail in many ways
        raise PolicyError(
            f"{hub.endpoint} did not take {repository}: {first_line(fault)}",
            f"The policy is in {folder}: push it again with hf upload {repository} {folder}.",
        ) from fault
    if exposed:
        raise UsageError(
            f"{repository} is public, and nothing was pushed.",
            f"Make it private or push {folder} with hf upload; --public allows it in the first place.",
        )
    return address

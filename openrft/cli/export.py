"""`openrft export`: write the trained policy of a finished run, without training again."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from openrft.cli.options import INTEGER, PathType
from openrft.cli.printing import print_json, print_text, suggest_evaluation
from openrft.cli.run_completions import complete_arms, complete_run_tasks, complete_runs

EPILOG = """\b
Examples:
  openrft export pocket-L3-1a2b3c --arm rl+sft --out my-policy
  openrft export runs/mine --arm rl+sft+icl --seed 2 --adapter --out my-adapter
  openrft export runs/mine --arm rl+sft --out my-policy --push my-name/my-policy
  openrft export runs/mine --arm rl+sft --gguf f16 --out my-gguf
"""


@click.command("export", epilog=EPILOG)
@click.argument("run", shell_complete=complete_runs)
@click.option(
    "--arm",
    default=None,
    metavar="NAME",
    shell_complete=complete_arms,
    help="The arm.  [default: the only one that trained]",
)
@click.option(
    "--task",
    default=None,
    metavar="NAME",
    shell_complete=complete_run_tasks,
    help="The task.  [default: the only one]",
)
@click.option("--seed", type=INTEGER, default=None, help="The training seed.  [default: the only one]")
@click.option("--out", required=True, type=PathType(file_okay=False), help="A new folder for the policy.")
@click.option("--adapter", is_flag=True, help="Write a LoRA adapter for the base model in place of merged weights.")
@click.option(
    "--gguf",
    type=click.Choice(["f32", "f16", "bf16"]),
    default=None,
    help="Write a GGUF file of this precision, and a Modelfile for Ollama, in place of a checkpoint."
    " For llama, qwen2 and qwen3 models with a tokenizer that llama.cpp supports.",
)
@click.option(
    "--store",
    default=None,
    type=PathType(file_okay=False, exists=True),
    help="The store of the run's stages.  [default: .store beside the run's folder]",
)
@click.option(
    "--push",
    default=None,
    metavar="ORG/NAME",
    help="Also push the folder to the Hugging Face hub, as a private repository.",
)
@click.option("--public", is_flag=True, help="Allow the repository of --push to be public.")
@click.option("--json", "as_json", is_flag=True, help="Print the description of the policy as JSON.")
def command(
    run: str,
    arm: str | None,
    task: str | None,
    seed: int | None,
    out: str,
    adapter: bool,
    gguf: str | None,
    store: str | None,
    push: str | None,
    public: bool,
    as_json: bool,
) -> None:
    """Write the trained policy of an arm. RUN is a run's name, its folder, or a report.json.

    The folder can be loaded with transformers and vLLM, and as --policy. Its openrft.json says how the policy was
    trained and how to prompt it, and its README.md is a model card. Nothing is trained: the weights come from the store
    of the run. --push uses the hub that HF_ENDPOINT names, with the token of `hf auth login` or HF_TOKEN.
    """
    from openrft.bench.locate import locate_report
    from openrft.bench.report import read_report
    from openrft.bench.trained_policy import export_job, find_job
    from openrft.cli.progress import show_progress
    from openrft.config.documents import dump_document
    from openrft.errors import UsageError
    from openrft.policies.export import check_new_folder
    from openrft.policies.hub import check_push, push_folder

    if public and not push:
        raise UsageError("--public has no effect without --push.", "Add --push ORG/NAME.")
    if push:
        check_push(push)
    if gguf and adapter:
        raise UsageError("--gguf and --adapter exclude each other: GGUF files have merged weights.", "Leave out one.")
    if gguf and find_spec("gguf") is None:
        raise UsageError("--gguf needs the package gguf.", "Run pip install 'openrft[gguf]'.")
    check_new_folder(Path(out))
    file = locate_report(run)
    report = read_report(file)
    job = find_job(report, arm, task, seed)
    stages = Path(store) if store else file.parent.parent / ".store"
    with show_progress(job) as progress:
        about = export_job(report, job, stages, Path(out), adapter, progress, gguf)
    pushed = push_folder(Path(out), push, about.title, public) if push else None
    if as_json:
        print_json({"out": out, **({"pushed": pushed} if pushed else {}), **dump_document(about)})
        return
    print_text(f"wrote {out}: {about.title}{' (adapter)' if adapter else ''}.")
    if pushed:
        print_text(f"pushed it to {pushed} ({'public' if public else 'private'}).")
    print_text(f"Try it: {suggest_evaluation(job.task, job.data, f'{out}/model.gguf' if gguf else out)}")

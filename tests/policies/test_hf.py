"""The transformers policy: decoding against `generate`, scoring against a plain forward pass, adapters, faults."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer

from openrft.errors import CheckpointError
from openrft.policies import logprobs
from openrft.policies.base import Sampling
from openrft.policies.generation.sampling import sample_tokens
from openrft.policies.hf import HFPolicy
from openrft.policies.lora_merge import round_stochastically
from openrft.policies.placement import use_deterministic_kernels
from openrft.tasks.prompt import build_messages
from openrft.testing import toy_task
from openrft.types import Sample

TASK = toy_task(4, 4)
PROMPTS = [build_messages(s) for s in TASK.train]
SHORT = [({"role": "user", "content": text},) for text in ("a", "bcd", "efghi")]
HOT = Sampling(n=3, temperature=1.0, max_tokens=12, seed=7)


@pytest.fixture(scope="module")
def policy(tiny, device):
    torch.set_num_threads(1)
    return device.open_policy(str(tiny))


def tokens(groups):
    return [[c.tokens for c in group] for group in groups]


def test_greedy_decoding_equals_transformers_generate(policy, device):
    ours = policy.generate(SHORT, Sampling(n=1, temperature=0, max_tokens=10))
    for messages, (completion,) in zip(SHORT, ours, strict=True):
        ids = device.tensor([policy.encode(messages)])
        theirs = policy.model.generate(ids, max_new_tokens=10, do_sample=False)[0, ids.shape[1] :].tolist()
        assert list(completion.tokens) == theirs


def test_same_seed_same_completions_whatever_else_is_in_the_batch(policy):
    every, few = policy.generate(PROMPTS, HOT), policy.generate(PROMPTS[:2], HOT)
    assert tokens(every)[:2] == tokens(few)
    assert tokens(policy.generate(PROMPTS[::-1], HOT)) == tokens(every)[::-1]
    assert len({t for group in tokens(every) for t in group}) > 1
    other = policy.generate(PROMPTS[:2], Sampling(n=3, temperature=1.0, max_tokens=12, seed=8))
    assert tokens(other) != tokens(few)


@pytest.fixture(params=[True, False], ids=["as trees", "behind a prefill"])
def way(request, monkeypatch):
    """Both ways of scoring: a group as a tree by our own forward pass, and, for other architectures, a row each."""
    if not request.param:
        monkeypatch.setattr(logprobs, "supports", lambda config: False)


@pytest.mark.usefixtures("way")
def test_sampling_logprobs_are_exact(policy, device):
    groups = policy.generate(PROMPTS, HOT)
    prompts = [policy.encode(p) for p, g in zip(PROMPTS, groups, strict=True) for _ in g]
    completions = [c.tokens for g in groups for c in g]
    shared, mask = policy.completion_logprobs(prompts, completions)
    for row, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        logits = policy.model(device.tensor([[*prompt, *completion]])).logits[0, len(prompt) - 1 : -1]
        plain = logits.log_softmax(-1).gather(-1, device.tensor(completion)[:, None])[:, 0]
        sampled = [c for g in groups for c in g][row].logprobs
        assert mask[row].sum() == len(completion)
        device.assert_close(shared[row, : len(completion)], plain, atol=1e-5)
        device.assert_close(sampled, plain, atol=1e-5)


@pytest.mark.usefixtures("way")
def test_shared_prompts_have_the_same_gradient_as_plain_ones(policy, device):
    prompts, completions = [[5, 6, 7]] * 2 + [[9, 8]], [[10, 11], [12], [13, 14, 15]]
    weight = policy.model.get_parameter("model.layers.0.self_attn.k_proj.weight")

    def gradient(loss):
        (found,) = torch.autograd.grad(loss, weight)
        return found

    shared, _ = policy.completion_logprobs(prompts, completions)
    plain = sum(
        policy.model(device.tensor([p + c]))
        .logits[0, len(p) - 1 : -1]
        .log_softmax(-1)
        .gather(-1, device.tensor(c)[:, None])
        .sum()
        for p, c in zip(prompts, completions, strict=True)
    )
    device.assert_close(gradient(shared.sum()), gradient(plain), atol=1e-5, rtol=1e-4)


def test_drawing_follows_the_distribution():
    torch.manual_seed(0)
    logits = torch.randn(1, 5).expand(20_000, 5)
    token, logprob = sample_tokens(logits, 0.7, 1.0, torch.rand(20_000))
    expected = (logits[0] / 0.7).softmax(-1)
    observed = torch.bincount(token, minlength=5) / 20_000
    assert (observed - expected).abs().max() < 0.015
    torch.testing.assert_close(logprob[0], expected[token[0]].log())


def test_top_p_keeps_the_smallest_nucleus():
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log().expand(1000, 3)
    token, _ = sample_tokens(logits, 1.0, 0.6, torch.linspace(0, 0.999, 1000))
    assert set(token.tolist()) == {0, 1}


def test_a_prompt_longer_than_the_context_is_said_not_scored(policy):
    long = build_messages(Sample("x" * 2000, "A", ("y", "z")))
    (fits,), (too_long,) = policy.generate([PROMPTS[0], long], Sampling(n=1, max_tokens=4))
    assert fits.tokens
    assert (too_long.finish_reason, too_long.text) == ("context", "")


@pytest.fixture(params=[False, True], ids=["any kernels", "deterministic kernels"])
def deterministic(request):
    use_deterministic_kernels(request.param)
    yield request.param
    use_deterministic_kernels(False)


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_an_adapter_trains_merges_and_resumes_with_the_same_bits(tiny, tmp_path, decay, device, deterministic):
    """On a GPU with deterministic kernels. With others but for rounding: some add in another order each time."""

    def trained(policy, steps):
        for _ in range(steps):
            optimizer = policy.get_optimizer(lr=1e-2, weight_decay=decay)
            optimizer.zero_grad()
            logp, _ = policy.completion_logprobs([[5, 6]], [[7, 8, 9]])
            (-logp.sum()).backward()
            optimizer.step()
        return policy.completion_logprobs([[5, 6]], [[7, 8, 9]])[0].detach()

    straight = device.open_policy(str(tiny))
    before = straight.completion_logprobs([[5, 6]], [[7, 8, 9]])[0].detach()
    straight.attach_lora(2, 4, seed=1)
    device.assert_close(straight.completion_logprobs([[5, 6]], [[7, 8, 9]])[0], before, atol=1e-5)
    expected = trained(straight, 4)
    assert (expected > before).all()

    stopped = device.open_policy(str(tiny))
    stopped.attach_lora(2, 4, seed=1)
    trained(stopped, 2)
    stopped.save_training_state(tmp_path)
    resumed = device.open_policy(str(tiny))
    resumed.load_training_state(tmp_path)
    found = trained(resumed, 2)
    device.assert_equal(found, expected)
    assert torch.equal(found, expected) or not (deterministic or device.same_bits)

    with straight.disable_adapter():
        device.assert_close(straight.completion_logprobs([[5, 6]], [[7, 8, 9]])[0], before, atol=1e-5)
    old = straight.id
    straight.merge_adapter()
    assert not straight.has_adapter
    assert straight.id != old
    device.assert_close(straight.completion_logprobs([[5, 6]], [[7, 8, 9]])[0], expected, atol=1e-4)


def test_an_adapter_is_read_onto_the_device_of_its_policy(tiny, tmp_path, device, monkeypatch):
    """And not onto the GPU that PEFT would choose by itself."""
    policy = device.open_policy(tiny)
    policy.attach_lora(2, 4, seed=1)
    policy.save_adapter(tmp_path)
    monkeypatch.setattr("peft.peft_model.infer_device", lambda: "meta")
    again = device.open_policy(tiny)
    again.load_adapter(tmp_path)
    found = dict(again.model.named_parameters())
    for name, value in policy.model.named_parameters():
        assert torch.equal(found[name], value)


def test_folding_the_adapter_for_a_rollout_changes_no_distribution_and_no_weight(tiny, device):
    policy = device.open_policy(str(tiny))
    policy.attach_lora(2, 4, seed=1)
    fill_up_matrices(policy, 0.3)
    before = {name: p.detach().clone() for name, p in policy.model.named_parameters()}
    trained = {name for name, p in policy.model.named_parameters() if p.requires_grad}
    groups = policy.generate(PROMPTS, HOT)
    assert all(torch.equal(before[name], p) for name, p in policy.model.named_parameters())
    assert {name for name, p in policy.model.named_parameters() if p.requires_grad} == trained
    prompts = [policy.encode(p) for p, g in zip(PROMPTS, groups, strict=True) for _ in g]
    completions = [c for g in groups for c in g]
    logp, _ = policy.completion_logprobs(prompts, [c.tokens for c in completions])
    for row, completion in zip(logp, completions, strict=True):
        device.assert_close(row[: len(completion.logprobs)], completion.logprobs, atol=1e-4)
    with policy.disable_adapter():
        bare, _ = policy.completion_logprobs(prompts, [c.tokens for c in completions])
    assert (bare - logp).abs().max() > 0.1


def fill_up_matrices(policy, std):
    """Give the adapter's B matrices, which begin as zeros, numbers that are the same on every device."""
    for name, parameter in policy.model.named_parameters():
        if "lora_B" in name:
            drawn = torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
            parameter.data.copy_(std * drawn)


def in_bfloat16(tiny, std, device):
    """As on a GPU: the weights in bfloat16, the adapter in float32."""
    policy = device.open_policy(str(tiny))
    policy.model.to(torch.bfloat16)
    policy.attach_lora(2, 4, seed=1)
    for name, parameter in policy.model.named_parameters():
        if "lora_" in name:
            parameter.data = parameter.data.float()
    fill_up_matrices(policy, std)
    return policy


def test_an_adapter_on_weights_of_lower_precision_is_sampled_as_it_is(tiny, device):
    policy = in_bfloat16(tiny, 0.3, device)
    assert not policy.exact_sampling_logprobs
    assert device.open_policy(str(tiny)).exact_sampling_logprobs
    before = {name: p.detach().clone() for name, p in policy.model.named_parameters()}
    groups = policy.generate(PROMPTS, HOT)
    assert all(torch.equal(before[name], p) for name, p in policy.model.named_parameters())
    prompts = [policy.encode(p) for p, g in zip(PROMPTS, groups, strict=True) for _ in g]
    completions = [c for g in groups for c in g]
    logp, _ = policy.completion_logprobs(prompts, [c.tokens for c in completions])
    with policy.disable_adapter():
        bare, _ = policy.completion_logprobs(prompts, [c.tokens for c in completions])
    sampled = torch.nn.utils.rnn.pad_sequence([device.tensor(c.logprobs) for c in completions], batch_first=True)
    assert (sampled - logp).abs().mean() < 0.2 * (sampled - bare).abs().mean()  # rounding, not another policy


def test_merging_into_lower_precision_keeps_a_change_in_the_mean(tiny, device):
    """A change far below half a unit in the last place: rounded to the nearest, next to nothing of it would be left."""
    policy = in_bfloat16(tiny, 1e-5, device)
    layers = {n: m for n, m in policy.model.base_model.model.named_modules() if hasattr(m, "get_delta_weight")}
    changes = {n: layer.get_delta_weight("default").detach().float() for n, layer in layers.items()}
    before = {n: layer.get_base_layer().weight.detach().clone() for n, layer in layers.items()}
    policy.merge_adapter()
    after = {n: policy.model.get_submodule(n).weight.detach() for n in layers}
    assert all(weight.dtype == torch.bfloat16 for weight in after.values())

    def kept(weights):
        """How much of the change is there, along itself."""
        along = sum(((weights[n].float() - before[n].float()) * changes[n]).sum() for n in layers)
        return float(along / sum((change**2).sum() for change in changes.values()))

    assert kept(after) == pytest.approx(1, abs=0.25)
    assert kept({n: before[n] + changes[n].to(torch.bfloat16) for n in layers}) < 0.6
    again = in_bfloat16(tiny, 1e-5, device)
    again.merge_adapter()
    assert all(torch.equal(again.model.get_submodule(n).weight, after[n]) for n in layers)


def test_rounding_by_chance_stays_between_its_neighbours_and_keeps_the_mean():
    exact = torch.tensor([1.0, -1.001, 0.3, 65000.3, 1e-3]).repeat(20_000, 1)
    found = round_stochastically(exact, torch.bfloat16, torch.Generator().manual_seed(0)).float()
    spacing = torch.nextafter(found[0].bfloat16(), torch.tensor(torch.inf).bfloat16()).float() - found[0]
    assert ((found - exact).abs() <= spacing.abs() * 2).all()
    assert (found[:, 0] == 1.0).all()  # what fits is left as it is
    torch.testing.assert_close(found.mean(0), exact[0], rtol=2e-4, atol=0)


@pytest.mark.parametrize("damage", ["no weights", "truncated", "not a folder", "config is not JSON"])
def test_an_unreadable_checkpoint_is_one_line(tiny, tmp_path, damage):
    folder = shutil.copytree(tiny, tmp_path / "copy")
    weights = folder / "model.safetensors"
    if damage == "no weights":
        weights.unlink()
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:1000])
    elif damage == "config is not JSON":
        (folder / "config.json").write_text("{")
    else:
        folder = folder / "config.json"
    with pytest.raises(CheckpointError, match="cannot load a policy from") as caught:
        HFPolicy(str(folder))
    assert "\n" not in str(caught.value)


def test_what_is_missing_or_does_not_fit_is_one_line(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "copy")
    file = folder / "model.safetensors"
    weights = load_file(file)
    save_file({k: v for k, v in weights.items() if "layers.1.mlp.up_proj" not in k}, file, {"format": "pt"})
    with pytest.raises(CheckpointError) as caught:  # transformers would draw them at random
        HFPolicy(str(folder))
    assert "copy lacks weights of its architecture (llama): model.layers.1.mlp.up_proj.weight." in str(caught.value)
    save_file(weights, file, {"format": "pt"})

    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = len(tokenizer)
    tokenizer.add_tokens(["<unused>"])
    tokenizer.save_pretrained(folder)
    HFPolicy(str(folder))  # which does no harm
    tokenizer.add_special_tokens({"eos_token": "<stop>"})
    tokenizer.save_pretrained(folder)
    with pytest.raises(CheckpointError) as caught:
        HFPolicy(str(folder))
    assert f"copy writes {rows + 2:,} tokens, and the model's embeddings have {rows:,} rows." in str(caught.value)

    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "nosuch"}))
    with pytest.raises(CheckpointError, match=r"cannot load a policy from .*nosuch") as caught:
        HFPolicy(str(folder))
    assert "\n" not in str(caught.value)


def test_pickled_weights_are_not_loaded(tiny, tmp_path):
    folder = shutil.copytree(tiny, tmp_path / "pickled")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    assert json.loads((folder / "config.json").read_text())["model_type"] == "llama"
    with pytest.raises(CheckpointError):
        HFPolicy(str(folder))

from __future__ import annotations

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from openrft.policies.adapter_export import combine_adapters
from openrft.policies.hf import HFPolicy


def test_one_adapter_has_the_effect_of_two_stages(tiny, tmp_path):
    """W + s1 B1 A1 + s2 B2 A2, with unequal ranks and scales."""
    policy = HFPolicy(str(tiny))
    for number, (rank, alpha) in enumerate(((2, 8), (3, 3))):
        policy.attach_lora(rank, alpha, seed=number)
        with torch.no_grad():
            for name, weight in policy.model.named_parameters():
                if "lora_B" in name:
                    weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(number))
        policy.save_adapter(tmp_path / str(number))
        policy.merge_adapter()
    weights, config = combine_adapters([tmp_path / "0", tmp_path / "1"])
    assert (config["r"], config["lora_alpha"]) == (5, 5)
    assert all(weight.shape[0] == 5 for name, weight in weights.items() if ".lora_A." in name)

    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(tiny),
        LoraConfig(r=5, lora_alpha=5, target_modules=config["target_modules"], task_type="CAUSAL_LM"),
    )
    assert isinstance(model, PeftModel)
    assert not set_peft_model_state_dict(model, weights).unexpected_keys
    tokens = torch.tensor([[1, 5, 9, 7]])
    with torch.no_grad():
        assert torch.allclose(model(tokens).logits, policy.model(tokens).logits, atol=1e-5)

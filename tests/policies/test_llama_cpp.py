"""What `--gguf` writes, loaded by llama.cpp: the same tokens for a prompt and the same greedy answers as the policy."""

from __future__ import annotations

import pytest

from openrft import Sampling, open_policy
from openrft.policies.export import export_gguf
from tests.policies.gguf_files import tiny_llama
from tests.policies.llama_cpp import LlamaCpp
from tests.policies.test_gguf_export import companions, tiny_qwen3, tiny_tokenizer

pytest.importorskip("xllamacpp", reason="llama.cpp is not installed; `pip install xllamacpp` gets it")

QUESTIONS = ["Has the cat 12  lives?", "a cat", "It's 3.5\n\nat  most", "cat \u00e9\u4e2d\U0001f600 cat"]
LONGEST = 12


@pytest.mark.parametrize("make", [tiny_llama, tiny_qwen3])
def test_llama_cpp_answers_as_the_policy_does(tmp_path, make):
    make().save_pretrained(tmp_path / "tiny")
    tiny_tokenizer().save_pretrained(tmp_path / "tiny")
    policy = open_policy(str(tmp_path / "tiny"))
    export_gguf(policy, tmp_path / "out", "f32", companions())
    llama = LlamaCpp(tmp_path / "out" / "model.gguf")
    answers = set()
    for question in QUESTIONS:
        messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
        prompt = policy.encode(messages)
        (completion,) = policy.generate([messages], Sampling(max_tokens=LONGEST, temperature=0.0))[0]
        tokens = list(completion.tokens)
        assert llama.complete(prompt, LONGEST) == tokens
        # The file's chat template gives the instruction, and its tokenizer splits the question in the same way.
        assert llama.count_chat_tokens(messages[1:], LONGEST) == (len(prompt), len(tokens))
        answers.add(completion.tokens)
    assert len(answers) == len(QUESTIONS)

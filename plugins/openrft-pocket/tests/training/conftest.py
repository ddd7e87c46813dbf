import pytest
from openrft_pocket.models import checkpoint_folder


@pytest.fixture(scope="session")
def tokenizer():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(checkpoint_folder("pocket"))

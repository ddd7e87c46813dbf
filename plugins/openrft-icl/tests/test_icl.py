"""The plugin on a real LanceDB table."""

from __future__ import annotations

import gc
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openrft_icl import ICL, FewShot
from openrft_icl.embedders import LightEmbedder
from openrft_icl.index import digest_pool, make_table_name
from openrft_icl.selection import question_text

from openrft import Demonstration, OpenRFTError, Sample, Task, UsageError
from openrft.testing import build_options

WORDS = [
    "atom",
    "cell",
    "edge",
    "volume",
    "lattice",
    "density",
    "charge",
    "mole",
    "energy",
    "bond",
    "angle",
    "mass",
    "metal",
    "oxide",
]


def sample(i: int, words: int = 8) -> Sample:
    rng = random.Random(i)
    text = " ".join(rng.choice(WORDS) for _ in range(words))
    return Sample(f"{i}: {text}?", "A", (str(rng.random()), str(rng.random())))


def demonstration(s: Sample, trace: str | None = None) -> Demonstration:
    return Demonstration(s, "\\boxed{A}", trace)


def task(samples: Sequence[Sample]) -> Task:
    return Task("toy/words", tuple(samples), ())


def icl(**options: Any) -> ICL:
    return ICL(ICL.Options(**options))


def retrieve(plugin: ICL, samples: Sequence[Sample], pool: Sequence[Demonstration], of: Task) -> Any:
    """The demonstrations alone, without what was counted."""
    return plugin.retrieve(samples, pool, of).value


def by_hand(s: Sample, pool: Sequence[Demonstration], k: int) -> list[Demonstration]:
    """Brute force over the same vectors, nearest last."""
    embed = LightEmbedder().fit([question_text(p.sample) for p in pool])
    similarity = embed([question_text(p.sample) for p in pool]) @ embed([question_text(s)])[0]
    order = np.argsort(-similarity.round(5), kind="stable")
    return [pool[i] for i in order if pool[i].sample.root_id != s.root_id][:k][::-1]


def test_exact_nearest_neighbours() -> None:
    samples = [sample(i) for i in range(80)]
    pool = [demonstration(s) for s in samples]
    found = retrieve(icl(num_demonstrations=3), samples, pool, task(samples))
    assert found == [by_hand(s, pool, 3) for s in samples]
    assert all(len(demonstrations) == 3 for demonstrations in found)


def test_similar_questions_come_nearest_to_the_question() -> None:
    near = Sample("What is the volume of a cubic cell with edge 3?", "A", ("27", "9"))
    far = Sample("Name the first president of France.", "A", ("x", "y"))
    middle = Sample("What is the mass of a cubic cell?", "A", ("1", "2"))
    asked = Sample("What is the volume of a cubic cell with edge 5?", "A", ("125", "25"))
    (found,) = retrieve(
        icl(num_demonstrations=2),
        [asked],
        [demonstration(near), demonstration(far), demonstration(middle)],
        task([near]),
    )
    assert [s.sample for s in found] == [middle, near]


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_never_itself_a_relative_or_a_copy(data: st.DataObject) -> None:
    """Pools with many rewordings of few originals: the nearest rows are nearly all forbidden."""
    originals = [sample(i) for i in range(data.draw(st.integers(2, 6)))]
    family = list(originals)
    for _ in range(data.draw(st.integers(0, 30))):
        parent = data.draw(st.sampled_from(originals))
        wording = f"{parent.question} {len(family)}"
        family.append(Sample(wording, "A", parent.options, parent=parent.id, created_by="test"))
    copy = replace(originals[0], answer="B")  # the same text with another answer: another id, no relative
    pool = [demonstration(s) for s in data.draw(st.permutations([*family, copy]))]
    k = data.draw(st.integers(1, 4))
    for asked, demonstrations in zip(
        family, retrieve(icl(num_demonstrations=k), family, pool, task(family)), strict=True
    ):
        roots = [s.sample.root_id for s in demonstrations]
        assert asked.root_id not in roots
        assert len(set(roots)) == len(roots)
        assert all(question_text(s.sample) != question_text(asked) for s in demonstrations)
        others = [s.sample for s in pool if question_text(s.sample) != question_text(asked)]
        allowed = {other.root_id for other in others if other.root_id != asked.root_id}
        assert len(demonstrations) == min(k, len(allowed))


def test_ties_go_by_the_pools_order() -> None:
    twins = [Sample("A twin", "A", ("p", "q"), parent=f"{i:016x}") for i in range(60)]  # one text, sixty families
    twins = [replace(t, answer="A" if i % 2 else "B") for i, t in enumerate(twins)]
    asked = sample(1)
    found = retrieve(icl(num_demonstrations=4), [asked], [demonstration(t) for t in twins], task([asked]))[0]
    assert [s.sample.parent for s in found[::-1]] == [t.parent for t in twins[:4]]


def test_the_same_twice_and_in_any_company() -> None:
    samples = [sample(i) for i in range(40)]
    pool = [demonstration(s) for s in samples[:20]]
    together = retrieve(icl(), samples, pool, task(samples))
    plugin = icl()
    alone = [retrieve(plugin, [s], pool, task(samples))[0] for s in samples]
    assert together == alone
    assert retrieve(plugin, samples, pool, task(samples)) == together  # remembered


def test_the_core_is_told_how_demonstrations_fade() -> None:
    plugin = icl(share=0.5, fade=1.0)
    assert (plugin.demonstration_share, plugin.demonstration_fade) == (0.5, 1.0)
    assert (icl().demonstration_share, icl().demonstration_fade) == (1.0, None)
    with pytest.raises(UsageError, match="few-shot has no RL"):
        FewShot(ICL.Options(fade=1.0))


def test_what_a_demonstration_shows() -> None:
    samples = [sample(i) for i in range(3)]
    pool = [demonstration(samples[0], "because"), demonstration(samples[1])]
    bare, traced = (
        retrieve(icl(demonstration_content=content), samples[2:], pool, task(samples))[0]
        for content in ("answer", "trace")
    )
    assert {s.trace for s in bare} == {None}
    assert {s.trace for s in traced} == {"because", None}
    plugin = icl(demonstration_content="trace")
    retrieve(plugin, samples[2:], [demonstration(s) for s in samples[:2]], task(samples))
    assert {s.trace for s in retrieve(plugin, samples[2:], pool, task(samples))[0]} == {"because", None}


def test_a_similarity_limit_shows_fewer_and_counts_them() -> None:
    near, far = Sample("cubic cell edge 3", "A", ("1", "2")), Sample("zzz", "A", ("p", "q"))
    plugin = icl(num_demonstrations=2, min_similarity=0.3)
    asked = Sample("cubic cell edge 4", "A", ("1", "2"))
    result = plugin.retrieve([asked], [demonstration(near), demonstration(far)], task([near]))
    assert [[s.sample for s in found] for found in result.value] == [[near]]
    assert result.counts == {"demonstrations": 1, "samples_short_of_demonstrations": 1}


def test_small_and_empty_pools() -> None:
    a, b = sample(1), sample(2)
    assert retrieve(icl(), [a, b], [], task([a])) == [[], []]
    assert retrieve(icl(), [], [demonstration(a)], task([a])) == []
    assert retrieve(icl(), [a, b], [demonstration(a)], task([a])) == [[], [demonstration(a)]]


def test_questions_that_are_hardly_text() -> None:
    odd = [Sample(q, "x", kind="text") for q in ("", " ", "?", "∑", "a" * 20000, "\U0001f600")]
    found = retrieve(icl(num_demonstrations=5), odd, [demonstration(s) for s in odd], task(odd))
    assert all(4 <= len(demonstrations) <= 5 for demonstrations in found)  # "" and " " read the same


def test_the_table_is_lancedbs_and_is_kept(tmp_path: Path) -> None:
    samples = [sample(i) for i in range(5)]
    pool = [demonstration(s) for s in samples]
    first = retrieve(icl(index_dir=str(tmp_path)), samples, pool, task(samples))
    name = make_table_name("toy/words", digest_pool(pool, LightEmbedder.id))
    table = lancedb.connect(tmp_path).open_table(name)
    assert table.count_rows() == 5
    assert table.to_arrow()["text"].to_pylist() == [question_text(s) for s in samples]
    assert retrieve(icl(index_dir=str(tmp_path)), samples, pool, task(samples)) == first
    assert table.version == lancedb.connect(tmp_path).open_table(name).version  # read, not written again
    retrieve(icl(index_dir=str(tmp_path)), samples, pool[:4], task(samples))
    assert len(list(tmp_path.glob("*.lance"))) == 2  # another pool, another table


def test_an_unfinished_table_is_made_again(tmp_path: Path) -> None:
    samples = [sample(i) for i in range(5)]
    pool = [demonstration(s) for s in samples]
    name = make_table_name("toy/words", digest_pool(pool, LightEmbedder.id))
    (tmp_path / f"{name}.lance" / "data").mkdir(parents=True)
    found = retrieve(icl(index_dir=str(tmp_path)), samples, pool, task(samples))
    assert found == retrieve(icl(), samples, pool, task(samples))


def test_a_temporary_folder_goes_with_the_plugin() -> None:
    plugin, s = icl(), sample(1)
    retrieve(plugin, [s], [demonstration(s)], task([s]))
    folder = plugin._open_folder()
    assert list(folder.glob("*.lance"))
    del plugin
    gc.collect()
    assert not folder.exists()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(OpenRFTError, match=r"cannot be kept.*icl.index_dir"):
        retrieve(icl(index_dir=str(file / "db")), [sample(1)], [demonstration(sample(2))], task([sample(1)]))


WORKER = """
import sys, time
from openrft import Demonstration, Sample, Task
from openrft_icl import ICL
samples = [Sample(f"Question {i} about {i % 7}", "A", ("1", "2")) for i in range(30)]
pool = [Demonstration(s, "A") for s in samples]
found = ICL(ICL.Options(index_dir=sys.argv[1])).retrieve(samples, pool, Task("t", (), ())).value
print([[demonstration.sample.question for demonstration in chosen] for chosen in found], flush=True)
time.sleep(0.5)  # Lance's threads drop what they read: an interpreter that ends meanwhile aborts (lance issue 4152)
"""


def test_workers_share_a_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WORKER, str(tmp_path)]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    results = [worker.communicate(timeout=120)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert len(results[0]) > 1000
    assert len(set(results)) == 1
    assert len(list(tmp_path.glob("*.lance"))) == 1


def test_six_hundred_samples_against_a_hundred() -> None:
    samples = [sample(i, words=40) for i in range(600)]
    plugin, pool = icl(), [demonstration(s) for s in samples[:100]]
    began = time.perf_counter()
    retrieve(plugin, samples, pool, task(samples))
    assert time.perf_counter() - began < 10  # about 0.5 s on an idle machine; loose, as tests share theirs


@pytest.mark.parametrize("options", [{"num_demonstrations": 0}, {"min_similarity": 2.0}])
def test_options_out_of_range(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"not at least 1|not between"):
        build_options(ICL.Options, options)


def test_importing_the_plugin_imports_nothing_heavy() -> None:
    heavy = ("torch", "lancedb", "sentence_transformers", "numpy")
    code = f"import sys, openrft_icl; print([m for m in {heavy} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"

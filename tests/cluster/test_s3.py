"""A store behind a real S3 server's URL."""

from __future__ import annotations

import os
import threading

import pytest

from openrft.errors import StoreError
from openrft.runtime.mirror import Mirror
from openrft.runtime.store import Store
from tests.cluster.reports import list_results, read_report

moto_server = pytest.importorskip("moto.server", reason="moto is not installed: tox -e cluster")
pytest.importorskip("s3fs", reason="s3fs is not installed: tox -e cluster")


@pytest.fixture(scope="module")
def bucket():
    """The URL of an empty bucket; the server's address and made-up credentials are in the environment."""
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    own = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "made-up",
        "AWS_SECRET_ACCESS_KEY": "made-up",
    }
    before = {name: os.environ.get(name) for name in own}
    os.environ.update(own)
    import s3fs

    s3fs.S3FileSystem().mkdir("bucket")
    yield "s3://bucket/store"
    server.stop()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


def test_one_makes_a_stage_and_the_others_take_it(bucket, tmp_path):
    calls, found = [], []

    def make(folder):
        calls.append(1)
        (folder / "deep").mkdir()
        (folder / "deep/out.txt").write_text("text")

    def work(number):
        store = Store(tmp_path / str(number), mirror=Mirror(bucket, poll=0.05))
        found.append(store.result("stage", {}, make))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert calls == [1]
    assert [(one.folder / "deep/out.txt").read_text() for one in found] == ["text"] * 3


def test_a_missing_bucket_is_one_line(bucket, tmp_path):
    with pytest.raises(StoreError, match="the store s3://nosuch/x cannot be used"):
        Store(tmp_path, mirror=Mirror("s3://nosuch/x")).result("stage", {}, lambda folder: None)


def test_a_bench_takes_everything_from_the_store_of_another_machine(bucket, start_bench, at_home, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        bench = start_bench(tmp_path / name, "--store", bucket, "--workers", "1")
        _, err = bench.communicate(timeout=300)
        assert bench.returncode == 0, err
        assert list_results(read_report(tmp_path / name)) == list_results(at_home)
    stages = [stage for result in read_report(tmp_path / "two")["results"] for stage in result["stages"]]
    assert stages
    assert all(stage["reused"] for stage in stages), stages

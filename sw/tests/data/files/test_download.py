"""Verified downloads from a local server: whole, resumed, cut off, wrong."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from crisp_sw.data.files import download
from crisp_sw.data.files.download import RemoteFile, fetch
from crisp_sw.errors import DatasetError

CONTENT = bytes(range(256)) * 40
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves CONTENT; the attributes say how well it behaves."""

    honours_range = True
    cut_off_after = len(CONTENT)
    states_length = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.ranges: list[str | None] = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/file.bin"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        resumed = wanted is not None and self.server.honours_range
        body = CONTENT[start:] if resumed else CONTENT
        self.send_response(206 if resumed else 200)
        if self.server.states_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.cut_off_after])

    def log_message(self, format, *args):
        """Keep the test output quiet."""


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def test_file_is_fetched_once(server, tmp_path):
    target = tmp_path / "new" / "file.bin"
    for _ in range(2):
        assert fetch(RemoteFile(server.url, MD5), target) == target
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None]
    assert [file.name for file in target.parent.iterdir()] == ["file.bin"]


@pytest.mark.parametrize("honours_range", [True, False])
def test_cut_off_download_is_continued(server, tmp_path, honours_range):
    server.cut_off_after, server.honours_range = 1000, honours_range
    target = tmp_path / "file.bin"
    with pytest.raises(DatasetError, match="connection closed after 1000 of 10240 bytes"):
        fetch(RemoteFile(server.url, MD5), target)
    assert not target.exists()
    server.cut_off_after = len(CONTENT)
    fetch(RemoteFile(server.url, MD5), target)
    assert target.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]


def test_complete_part_is_accepted(server, tmp_path):
    (tmp_path / "file.bin.part").write_bytes(CONTENT)
    fetch(RemoteFile(server.url, MD5), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_wrong_content_is_refused_and_removed(server, tmp_path):
    with pytest.raises(DatasetError, match=f"MD5 is {MD5}; expected 0000"):
        fetch(RemoteFile(server.url, "0000"), tmp_path / "file.bin")
    assert list(tmp_path.iterdir()) == []


def test_damaged_file_in_place_is_named(tmp_path):
    target = tmp_path / "file.bin"
    target.write_bytes(CONTENT[:-1])
    with pytest.raises(DatasetError, match=r"file\.bin: MD5 is .*; expected"):
        fetch(RemoteFile("http://127.0.0.1:1/file.bin", MD5), target)


def test_unreachable_server_is_explained(tmp_path):
    with pytest.raises(DatasetError) as caught:
        fetch(RemoteFile("http://127.0.0.1:1/file.bin", MD5), tmp_path / "file.bin")
    assert "cannot download http://127.0.0.1:1/file.bin" in str(caught.value)
    assert f"place the file at {tmp_path / 'file.bin'}" in str(caught.value)


def test_two_who_want_one_file_download_it_once(server, tmp_path):
    target = tmp_path / "files" / "file.bin"
    threads = [threading.Thread(target=fetch, args=(RemoteFile(server.url, MD5), target)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.ranges == [None]
    assert target.read_bytes() == CONTENT
    assert [path.name for path in target.parent.iterdir()] == ["file.bin"]


@pytest.mark.parametrize("states_length", [True, False])
@pytest.mark.parametrize("have", [0, 1000])
def test_too_much_is_refused_and_removed(server, tmp_path, monkeypatch, states_length, have):
    monkeypatch.setattr(download, "MOST_BYTES", len(CONTENT) - 1)
    monkeypatch.setattr(download, "CHUNK_BYTES", 512)
    server.states_length = states_length
    if have:
        (tmp_path / "file.bin.part").write_bytes(CONTENT[:have])
    with pytest.raises(DatasetError, match=r"/file\.bin has 10240 bytes or more; expected at most 10239"):
        fetch(RemoteFile(server.url, MD5), tmp_path / "file.bin")
    assert list(tmp_path.iterdir()) == []


def test_as_much_as_is_allowed_is_fetched(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "MOST_BYTES", len(CONTENT))
    server.states_length = False
    fetch(RemoteFile(server.url, MD5), tmp_path / "file.bin")
    assert (tmp_path / "file.bin").read_bytes() == CONTENT

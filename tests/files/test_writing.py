"""Files are written whole or not at all: under kill -9, on a full disk, by two at once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netsize.files.writing import DRAFT, write_whole

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
LONG = 200_000


def child(run) -> int:
    """A fork of this process that does it until it is killed."""
    number = os.fork()
    if not number:
        try:
            run()
        finally:
            os._exit(0)
    return number


def is_whole(content: bytes) -> bool:
    return len(content) == LONG and len(set(content)) == 1


KILLS = """
import os, random, signal, sys, time
from pathlib import Path
from netsize.files.writing import write_whole

file, whole, seen, chance = Path(sys.argv[1]), int(sys.argv[2]), set(), random.Random(1)
write_whole(file, b"a" * whole)
for _ in range(200):
    number = os.fork()
    while not number:
        for letter in b"bcd":
            write_whole(file, bytes([letter]) * whole)
    time.sleep(chance.uniform(0.0, 0.01))
    os.kill(number, signal.SIGKILL)
    os.waitpid(number, 0)
    content = file.read_bytes()
    assert len(content) == whole and len(set(content)) == 1, content[:10]
    seen.add(content[0])
assert len(seen) > 1, "it was not written"
"""


def test_200_kills(tmp_path: Path) -> None:
    """At random moments, of a process that does nothing but write; from one that is small, and quick to fork."""
    file = tmp_path / "sizes.json"
    subprocess.run([sys.executable, "-c", KILLS, file, str(LONG)], check=True)
    assert all(left == file or left.name.endswith(DRAFT) for left in tmp_path.iterdir())


def test_two_at_once(tmp_path: Path) -> None:
    file = tmp_path / "sizes.json"

    def writing(letter: bytes) -> None:
        for _ in range(200):
            write_whole(file, letter * LONG)

    numbers = [child(lambda letter=letter: writing(letter)) for letter in (b"a", b"b")]
    for number in numbers:
        assert os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]) == 0
    assert is_whole(file.read_bytes())
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of this kind")
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """As a limit on the size of a file has it: what was there stays, and no draft is left."""
    import resource

    file = tmp_path / "sizes.json"
    write_whole(file, b"before")

    def writing() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            write_whole(file, b"a" * LONG)
        except OSError:
            os._exit(7)

    assert os.waitstatus_to_exitcode(os.waitpid(child(writing), 0)[1]) == 7
    assert file.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [file]


def test_links_and_modes_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_bytes(b"before")
    real.chmod(0o640)
    link.symlink_to("real")
    write_whole(link, b"after")
    assert (link.is_symlink(), real.read_bytes(), real.stat().st_mode & 0o7777) == (True, b"after", 0o640)


def test_a_new_file_has_the_mode_of_the_umask_or_is_private(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_whole(tmp_path / "new", b"")
        write_whole(tmp_path / "private", b"", private=True)
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "private").stat().st_mode & 0o777 == 0o600


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    number = child(lambda: write_whole(pipe, b"through"))
    assert pipe.read_bytes() == b"through"
    os.waitpid(number, 0)
    assert pipe.is_fifo()

"""The reference of the manual, from the program's own help. `python tests/manual/reference.py` writes it; a test
compares."""

import os
import subprocess
import sys
from pathlib import Path

from netsize.sources import COMMANDS

FILE = Path(__file__).parent.parent.parent / "netsize" / "manual" / "reference.md"


def helped(*words: str) -> str:
    line = [sys.executable, "-m", "netsize", *words, "--help"]
    environment = os.environ | {"COLUMNS": "100", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(line, env=environment, capture_output=True, text=True, encoding="utf-8", check=True).stdout


def reference() -> str:
    parts = [
        "# Every option of every command",
        "What `--help` says.",
        "## netsize",
        f"```text\n{helped().strip()}\n```",
    ]
    for name in COMMANDS:
        parts += [f"## netsize {name}", f"```text\n{helped(name).strip()}\n```"]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    FILE.write_text(reference(), encoding="utf-8")

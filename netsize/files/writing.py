"""Writing a file: whole or not at all, whatever happens meanwhile."""

import os
from contextlib import suppress
from pathlib import Path

DRAFT = ".draft"  # ends the name of what is not whole yet; nobody reads it


def write_whole(file: Path, content: bytes, private: bool = False) -> None:
    """Into the place of what was there. A link stays one, and a file its mode (a new one has that of the umask, or is
    the user's alone); a device or a pipe is written to. What a killed process leaves is a draft beside it. Raises
    OSError."""
    file = Path(os.path.realpath(file))  # what a link leads to is replaced, not the link; a loop is an OSError later
    if file.exists() and not file.is_file():
        file.write_bytes(content)
        return
    draft = file.with_name(f".{file.name[:100]}.{os.urandom(6).hex()}{DRAFT}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            if file.exists():
                draft.chmod(file.stat().st_mode & 0o7777)
        draft.replace(file)
    except BaseException:
        with suppress(OSError):
            draft.unlink()
        raise

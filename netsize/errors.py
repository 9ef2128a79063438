"""What can go wrong for a user, each with the exit status and the words that they see."""

COUNTED = 0  # counted, and everything agrees
DIFFERS = 1  # counted, but something differs
FAILED = 2  # could not do it
INTERRUPTED = 130  # Ctrl-C: 128 + SIGINT


class NetsizeError(Exception):
    """Something that the user can mend: printed as one or two lines, without a traceback."""

    status = FAILED


class UnknownModel(NetsizeError):
    """The MODEL names nothing that netsize knows."""


class BadModel(NetsizeError):
    """The MODEL was found, but gives no network: it does not import, is not built, is no nn.Module."""


class BadInput(NetsizeError):
    """The input is malformed, or the network cannot take it."""


class TooLarge(BadInput):
    """The network can take the input, but there is too little memory to run it."""


class BadCase(NetsizeError):
    """A file of known counts, or a saved report, that says nothing that can be compared."""


class UnreadableFile(NetsizeError):
    """A file that cannot be read, or that holds something else than it should: with the place in it."""


class BadOption(NetsizeError):
    """An option that says nothing that can be done, a file that cannot be written among them."""


class BadEnvironment(NetsizeError):
    """A package or a device that is needed is missing or does not fit."""


def shortened(text: str, most: int = 120) -> str:
    """Its first line, without its middle if it is long: a name of 5,000 characters is recognised by its ends."""
    line = next(iter(text.lstrip("\n").splitlines()), "").rstrip()
    return line if len(line) <= most else f"{line[: most - 31]} ... {line[-26:]}"


def describe(error: BaseException) -> str:
    """Type and first line of an error, for one line on a terminal."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def one_line(error: BaseException) -> str:
    """All that it says, where there is one line for it."""
    return ". ".join(str(error).strip().splitlines())


def did_you_mean(word: str, known: list[str]) -> str:
    """' Did you mean alexnet?', or nothing if no known word is near, whatever its capitals."""
    from difflib import get_close_matches

    plain = {name.lower(): name for name in reversed(known)}
    near = get_close_matches(word.lower(), plain, n=3, cutoff=0.7)
    return f" Did you mean {' or '.join(plain[name] for name in near)}?" if near else ""

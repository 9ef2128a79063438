"""The modules of a network as a tree, whose leaves are layers and whose nodes are the sums of what is below them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

ROOT = -1  # parent of the first node


@dataclass(frozen=True)
class Leaf:
    """A layer at a path, with a number of each quantity. `name`: what is said of it; `row`: its place in a table."""

    path: str
    name: str
    kind: str
    values: tuple[int, ...]
    row: int = -1
    call: int = 0


@dataclass(frozen=True)
class Node:
    """`name`: below its parent; `parent`: its place in the tree. A module has no kind, and no row."""

    name: str
    path: str
    parent: int
    values: tuple[int, ...]
    kind: str = ""
    row: int = -1


@dataclass
class _Branch:
    leaf: Leaf | None = None
    children: "dict[str, _Branch]" = field(default_factory=dict)


def tree(leaves: Sequence[Leaf], root: str) -> tuple[Node, ...]:
    """The nodes, each before those below it, in order of first execution. Chains of single children are one node. Two
    layers at one path, or a layer with others inside of it, are told from each other by their calls."""
    top, width = _Branch(), len(leaves[0].values) if leaves else 0
    for leaf, names in zip(leaves, _places(leaves)):
        branch = top
        for name in names:
            branch = branch.children.setdefault(name, _Branch())
        branch.leaf = leaf
    nodes: list[Node] = []
    waiting: list[tuple[_Branch, str, str, int]] = [(top, root, "", ROOT)]
    while waiting:
        branch, name, path, parent = waiting.pop()
        while len(branch.children) == 1 and branch is not top:
            ((below, branch),) = branch.children.items()
            name, path = f"{name}.{below}", f"{path}.{below}"
        own = branch.leaf
        if own is not None:
            nodes.append(Node(name, own.name, parent, own.values, own.kind, own.row))
        else:
            nodes.append(Node(name, path, parent, (0,) * width))
            inside = [(below, key, f"{path}.{key}" if path else key, len(nodes) - 1) for key, below in
                      branch.children.items()]  # fmt: skip
            waiting += reversed(inside)
    return _summed(nodes)


def _places(leaves: Sequence[Leaf]) -> list[tuple[str, ...]]:
    """The names on the way to each leaf."""
    paths = [tuple(leaf.path.split(".")) if leaf.path else () for leaf in leaves]
    above = {path[:length] for path in paths for length in range(len(path))}
    several = {path for path, times in Counter(paths).items() if times > 1}
    return [
        (*path, f"#{leaf.call + 1} {leaf.kind}".rstrip()) if path in above or path in several else path
        for path, leaf in zip(paths, leaves)
    ]


def _summed(nodes: list[Node]) -> tuple[Node, ...]:
    sums = [list(node.values) for node in nodes]
    for index in range(len(nodes) - 1, 0, -1):  # those below a node stand behind it
        above = sums[nodes[index].parent]
        for place, value in enumerate(sums[index]):
            above[place] += value
    return tuple(replace(node, values=tuple(values)) for node, values in zip(nodes, sums))

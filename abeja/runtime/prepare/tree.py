"""What an archive has brought so far: every decision about names is made here, none by the file system."""

from collections.abc import Iterator, Sequence

from attrs import define, field

from abeja.runtime.prepare.member_path import key_of, refusal
from abeja.runtime.types import MemberKind

# As many as Linux follows.
_LINKS_LIMIT = 40


@define(eq=False)
class Node:
    """A member, or a folder that is there because a member is in it.

    Attributes:
        name: its own, without those of its folders.
        parent: None for the root.
        kind: FILE, FOLDER or SYMLINK; a hardlink is the FILE that it shares.
        target: of a symlink.
        mode: of a folder, None if only its members are named.
        children: of a folder, by `key_of` their names.
    """

    name: str
    parent: "Node | None"
    kind: MemberKind
    target: str = ""
    mode: int | None = None
    children: dict[str, "Node"] = field(factory=dict, repr=False)

    @property
    def parts(self) -> tuple[str, ...]:
        """Its name and those of its folders, outermost first."""
        return () if self.parent is None else (*self.parent.parts, self.name)

    def __iter__(self) -> Iterator["Node"]:
        return iter(self.children.values())


class Tree:
    """The folder that an archive makes.

    Attributes:
        root: the folder itself.
        count: how many nodes there are beside it.
    """

    def __init__(self) -> None:
        self.root = Node("", None, MemberKind.FOLDER)
        self.count = 0

    def add(self, parts: Sequence[str], kind: MemberKind, *, target: str = "") -> tuple[Node, list[Node]]:
        """Add a member; returns its node, and the nodes that are new with it, outermost first.

        Raises:
            ArchiveRefusedError: something of this name is there, or a folder on the way is none.
        """
        node, new = self.root, []
        for part in parts[:-1]:
            node, is_new = self._folder(node, part, "/".join(parts))
            new += [node] if is_new else []
        if kind is MemberKind.FOLDER:
            node, is_new = self._folder(node, parts[-1], "/".join(parts))
            return node, [*new, node] if is_new else new
        self._reject_clash(node, parts[-1], "/".join(parts))
        child = self._insert(Node(parts[-1], node, kind, target))
        return child, [*new, child]

    def find(self, parts: Sequence[str]) -> Node | None:
        """The node of exactly this name, no link followed."""
        node = self.root
        for part in parts:
            child = node.children.get(key_of(part))
            if child is None or child.name != part:
                return None
            node = child
        return node

    def check_symlink(self, link: Node) -> None:
        """See where a symlink leads, following it and all others as the kernel would.

        Raises:
            ArchiveRefusedError: it leads out of the folder, or nowhere.
        """
        name = "/".join(link.parts)
        if link.target.startswith("/") or "\\" in link.target or "\0" in link.target or not link.target:
            raise refusal(name, f"is a link to {link.target!r}; only relative links to other members are allowed")
        node, pending, links = link.parent or self.root, link.target.split("/")[::-1], 1
        while pending:
            part = pending.pop()
            child = self._step(node, part, name, link.target)
            if child.kind is MemberKind.SYMLINK:
                links += 1
                if links > _LINKS_LIMIT:
                    raise refusal(name, f"is a link to {link.target!r}, which leads around in a circle")
                pending += child.target.split("/")[::-1]
            else:
                node = child

    def _step(self, node: Node, part: str, name: str, target: str) -> Node:
        if node.kind is not MemberKind.FOLDER:
            raise refusal(name, f"is a link to {target!r}, which goes through a file")
        if part in ("", "."):
            return node
        if part == "..":
            if node.parent is None:
                raise refusal(name, f"is a link to {target!r}, which is outside of the archive")
            return node.parent
        child = node.children.get(key_of(part))
        if child is None or child.name != part:
            raise refusal(name, f"is a link to {target!r}, which is no member of the archive")
        return child

    def _folder(self, parent: Node, part: str, path: str) -> tuple[Node, bool]:
        child = parent.children.get(key_of(part))
        if child is None:
            return self._insert(Node(part, parent, MemberKind.FOLDER)), True
        if child.name != part:
            raise refusal(path, _clash(child))
        if child.kind is not MemberKind.FOLDER:
            raise refusal(path, f"needs '{'/'.join(child.parts)}' as a folder, which is a {child.kind} in the archive")
        return child, False

    def _reject_clash(self, parent: Node, part: str, path: str) -> None:
        child = parent.children.get(key_of(part))
        if child is not None:
            raise refusal(path, "is in the archive twice" if child.name == part else _clash(child))

    def _insert(self, node: Node) -> Node:
        if node.parent is not None:
            node.parent.children[key_of(node.name)] = node
        self.count += 1
        return node


def _clash(other: Node) -> str:
    path = "/".join(other.parts)
    return f"differs from '{path}' in case or Unicode form only, which some file systems take for one file"

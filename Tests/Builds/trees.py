"""Trees of files, read from a directory or from the layers of an archive, and what differs."""

import dataclasses
import errno
import hashlib
import os
import posixpath
import stat

FIELDS = ("mode", "uid", "gid", "size", "target", "device", "xattrs", "digest", "names")
# What file systems add for themselves.
FOREIGN_ATTRIBUTES = ("trusted.overlay.", "user.overlay.", "security.selinux")


@dataclasses.dataclass
class Node:
    type: str
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int = 0
    target: str = None
    device: tuple = None
    xattrs: dict = dataclasses.field(default_factory=dict)
    digest: str = None
    names: tuple = ()  # all names of the file, if it has several


TYPES = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo", stat.S_IFCHR: "character device", stat.S_IFBLK: "block device",
    stat.S_IFSOCK: "socket",
}


def digest_of(data):
    return hashlib.sha256(data).hexdigest()


def attributes_of(path):
    try:
        return os.listxattr(path, follow_symlinks=False)
    except OSError as error:
        # Vitrine says so of an image that has none.
        if error.errno == errno.ENOTSUP:
            return []
        raise


def read_directory(top):
    """The tree below a directory: path from "/" on to node."""
    nodes, links = {}, {}

    def add(path, name):
        status = os.lstat(path)
        node = Node(
            TYPES[stat.S_IFMT(status.st_mode)], stat.S_IMODE(status.st_mode),
            status.st_uid, status.st_gid, int(status.st_mtime))
        for attribute in attributes_of(path):
            if not attribute.startswith(FOREIGN_ATTRIBUTES):
                node.xattrs[attribute] = os.getxattr(path, attribute, follow_symlinks=False)
        if node.type == "file":
            with open(path, "rb") as file:
                data = file.read()
            node.size, node.digest = len(data), digest_of(data)
        elif node.type == "symlink":
            node.target = os.readlink(path)
        elif node.type.endswith("device"):
            node.device = (os.major(status.st_rdev), os.minor(status.st_rdev))
        if node.type != "directory" and status.st_nlink > 1:
            links.setdefault((status.st_dev, status.st_ino), []).append(name)
        nodes[name] = node
        if node.type == "directory":
            for entry in os.listdir(path):
                add(os.path.join(path, entry), posixpath.join(name, entry))

    add(top, "/")
    name_groups(nodes, links.values())
    return nodes


def name_groups(nodes, groups):
    for group in groups:
        if len(group) > 1:
            for name in group:
                nodes[name].names = tuple(sorted(group))


class LayeredTree:
    """Layers applied one after another, in memory."""

    def __init__(self):
        self.nodes = {"/": Node("directory", 0o755, 0, 0, 0)}
        self.links = {}  # name to the list of all names of its file

    def remove(self, path, itself=True):
        below = path.rstrip("/") + "/"
        for name in [name for name in self.nodes if name.startswith(below) and name != "/"]:
            self.forget(name)
        if itself:
            self.forget(path)

    def forget(self, name):
        self.nodes.pop(name, None)
        group = self.links.pop(name, None)
        if group:
            group.remove(name)

    def apply(self, archive):
        members = [(posixpath.normpath("/" + member.name), member) for member in archive]
        # Whiteouts are about what is below the layer, wherever they stand in it.
        for path, _ in members:
            directory, name = posixpath.split(path)
            if name == ".wh..wh..opq":
                self.remove(directory, itself=False)
            elif name.startswith(".wh.") and not name.startswith(".wh..wh."):
                self.remove(posixpath.join(directory, name[4:]))
        for path, member in members:
            if not posixpath.basename(path).startswith(".wh."):
                self.add(path, member, archive)

    def add(self, path, member, archive):
        old = self.nodes.get(path)
        if old and not (old.type == "directory" and member.isdir()):
            self.remove(path)
        if member.islnk():
            first = posixpath.normpath("/" + member.linkname)
            self.nodes[path] = dataclasses.replace(self.nodes[first])
            group = self.links.setdefault(first, [first])
            group.append(path)
            self.links[path] = group
            return
        kind = ("directory" if member.isdir() else "symlink" if member.issym() else
                "fifo" if member.isfifo() else "character device" if member.ischr() else
                "block device" if member.isblk() else "file")
        node = Node(kind, member.mode & 0o7777, member.uid, member.gid, int(member.mtime))
        for name, value in member.pax_headers.items():
            if name.startswith("SCHILY.xattr."):
                node.xattrs[name[13:]] = value.encode("utf-8", "surrogateescape")
        if kind == "file":
            data = archive.extractfile(member).read()
            node.size, node.digest = len(data), digest_of(data)
        elif kind == "symlink":
            node.target, node.mode = member.linkname, 0o777
        elif kind.endswith("device"):
            node.device = (member.devmajor, member.devminor)
        self.nodes[path] = node

    def tree(self):
        groups = {id(group): group for group in self.links.values()}
        name_groups(self.nodes, groups.values())
        return self.nodes


def compared(ours, theirs, start):
    """What differs: (path, field, ours, theirs).

    A time is compared where one side's is older than the run: a step's own is the moment when it
    ran, all others come from the context, an archive or the base image.
    """
    found = []
    for path in sorted(ours.keys() | theirs.keys()):
        one, two = ours.get(path), theirs.get(path)
        if one is None or two is None:
            found.append((path, "presence", *(node and node.type for node in (one, two))))
            continue
        if one.type != two.type:
            found.append((path, "type", one.type, two.type))
            continue
        for field in FIELDS:
            if getattr(one, field) != getattr(two, field):
                values = [getattr(node, field) for node in (one, two)]
                if field == "mode":
                    values = [f"{value:04o}" for value in values]
                found.append((path, field, *values))
        if one.mtime != two.mtime and min(one.mtime, two.mtime) < start and path != "/":
            field = "directory-mtime" if one.type == "directory" else "mtime"
            found.append((path, field, *("now" if time >= start else time
                                         for time in (one.mtime, two.mtime))))
    return found


def against_listing(nodes, listing):
    """What differs from a case's listing: (path, field, ours, expected)."""
    found = []
    listed = {posixpath.normpath(entry.path): entry for entry in listing}
    for path, entry in listed.items():
        node = nodes.get(path)
        if entry.kind == "absent":
            if node:
                found.append((path, "presence", node.type, None))
            continue
        if node is None:
            found.append((path, "presence", None, entry.kind))
            continue
        kind = "file" if entry.kind == "link" else entry.kind
        if node.type != kind:
            found.append((path, "type", node.type, kind))
            continue
        if entry.mode is not None and node.mode != entry.mode:
            found.append((path, "mode", f"{node.mode:04o}", f"{entry.mode:04o}"))
        if entry.owner and (node.uid, node.gid) != entry.owner:
            found.append((path, "owner", (node.uid, node.gid), entry.owner))
        if entry.content is not None and node.digest != digest_of(entry.content):
            found.append((path, "content", f"{node.size} bytes", entry.content))
        if entry.kind == "symlink" and node.target != entry.target:
            found.append((path, "target", node.target, entry.target))
        if entry.xattrs and node.xattrs != entry.xattrs:
            found.append((path, "xattrs", node.xattrs, entry.xattrs))
        if entry.kind == "link" and posixpath.normpath(entry.target) not in node.names:
            found.append((path, "names", node.names, entry.target))
        if kind == "directory":
            # A directory that is listed is listed whole.
            found += [(name, "presence", node.type, None) for name, node in nodes.items()
                      if posixpath.dirname(name) == path != name
                      and not any(other == name or other.startswith(name + "/")
                                  for other in listed)]
    return found

"""Reads the collection: cases/*.txt, in the format that README.md describes."""

import base64
import bz2
import dataclasses
import gzip
import io
import json
import lzma
import os
import re
import shlex
import tarfile
import zlib

# Files of contexts and archives have times after this one, a minute apart.
FIRST_TIME = 1_000_000_000

PACKERS = {
    "tar": lambda data: data,
    "tar.gz": lambda data: gzip.compress(data, mtime=0),
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
}
SECTIONS = {"context", "archive", "file", "parent", "listing", "config"}
ATTRIBUTES = {"fails", "peers", "options", "crlf", "bom", "unended"}


class CaseError(Exception):
    """A mistake in a file of the collection."""


@dataclasses.dataclass
class Entry:
    """A line of a context, an archive or a listing."""

    path: str
    kind: str  # file, directory, symlink, link, fifo, absent
    mode: int = None
    owner: tuple = None
    xattrs: dict = dataclasses.field(default_factory=dict)
    content: bytes = None
    target: str = None

    def permissions(self):
        if self.mode is not None:
            return self.mode
        return {"directory": 0o755, "symlink": 0o777}.get(self.kind, 0o644)


@dataclasses.dataclass
class Case:
    name: str
    topic: str
    fails: bool = False
    peers: tuple = ("buildah", "docker")
    since: dict = dataclasses.field(default_factory=dict)  # the first version of a peer, if it matters
    reason: str = ""  # why a peer is left out
    options: list = dataclasses.field(default_factory=list)
    dockerfile: bytes = b""
    context: list = dataclasses.field(default_factory=list)
    archives: list = dataclasses.field(default_factory=list)  # (name, packer, entries)
    parents: list = dataclasses.field(default_factory=list)  # (name, Dockerfile)
    listing: list = dataclasses.field(default_factory=list)
    config: dict = dataclasses.field(default_factory=dict)

    def takes(self, peer):
        """Whether a peer is to build it."""
        return peer.name in self.peers and peer.version >= self.since.get(peer.name, 0)

    def write_context(self, directory):
        """Makes the context, every file with a time of its own."""
        os.mkdir(directory)
        made = []
        if not any(entry.path == "Dockerfile" for entry in self.context):
            entry = Entry("Dockerfile", "file", content=self.dockerfile)
            made.append(write_entry(directory, entry))
        for name, packer, entries in self.archives:
            entry = Entry(name, "file", content=PACKERS[packer](packed(entries)))
            made.append(write_entry(directory, entry))
        for entry in self.context:
            made.append(write_entry(directory, entry))
        # Times last: making something in a directory changes the directory's. Each case begins at
        # a time of its own: a file with the path, size and time of the last context's is taken
        # for that one by BuildKit, and not sent again.
        first = FIRST_TIME + 10_000 * (zlib.crc32(self.name.encode()) % 5000)
        times = {}
        for top, directories, files in os.walk(directory):
            times.update((os.path.join(top, name), None) for name in directories + files)
        for index, path in enumerate(sorted(times), 1):
            moment = first + 60 * index
            os.utime(path, (moment, moment), follow_symlinks=False)
        os.utime(directory, (first, first))


def write_entry(directory, entry):
    path = os.path.join(directory, entry.path)
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    if entry.kind == "directory":
        os.makedirs(path, exist_ok=True)
    elif entry.kind == "symlink":
        os.symlink(entry.target, path)
    elif entry.kind == "link":
        os.link(os.path.join(directory, entry.target), path, follow_symlinks=False)
    elif entry.kind == "fifo":
        os.mkfifo(path)
    else:
        with open(path, "wb") as file:
            file.write(entry.content)
    if entry.owner:
        os.chown(path, *entry.owner, follow_symlinks=False)
    if entry.kind in ("file", "directory", "fifo"):
        os.chmod(path, entry.permissions())
    for name, value in entry.xattrs.items():
        os.setxattr(path, name, value, follow_symlinks=False)
    return path


def packed(entries):
    """An archive, whose members have owners that nobody has and times of their own."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for index, entry in enumerate(entries):
            member = tarfile.TarInfo(entry.path)
            member.type = {
                "directory": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE,
                "link": tarfile.LNKTYPE, "fifo": tarfile.FIFOTYPE,
            }.get(entry.kind, tarfile.REGTYPE)
            member.mode = entry.permissions()
            member.uid, member.gid = entry.owner or (0, 0)
            member.mtime = FIRST_TIME + 3600 + 60 * index
            member.linkname = entry.target or ""
            member.size = len(entry.content or b"")
            for name, value in entry.xattrs.items():
                # tarfile writes surrogates as the bytes that they stand for.
                member.pax_headers["SCHILY.xattr." + name] = value.decode(
                    "utf-8", "surrogateescape")
            archive.addfile(member, io.BytesIO(entry.content or b""))
    return output.getvalue()


NAME = r'(?P<{0}>"(?:[^"\\]|\\.)*"|[^\s":]+)'
LINE = re.compile(
    "(?P<absent>!)?" + NAME.format("name") + r"(?P<attributes>(?: [^\s:=\->|]\S*(?<!:))*)"
    r"(?:(?P<file>:)(?: (?P<content>.*))?| -> (?P<symlink>.+)| = (?P<link>.+))?$"
)


def text(word):
    """A word as it is, or a JSON string."""
    return json.loads(word) if word.startswith('"') else word


def entry_of(line):
    match = LINE.match(line)
    if not match:
        raise CaseError(f"not an entry: {line}")
    entry = Entry(text(match["name"]), "file")
    for word in match["attributes"].split():
        if re.fullmatch("[0-7]{3,5}", word):
            entry.mode = int(word, 8)
        elif re.fullmatch(r"\d+\.\d+", word):
            entry.owner = tuple(int(number) for number in word.split("."))
        elif word == "fifo":
            entry.kind = "fifo"
        elif "=" in word:
            name, value = word.split("=", 1)
            entry.xattrs[name] = (
                base64.b64decode(value[7:]) if value.startswith("base64,") else value.encode())
        else:
            raise CaseError(f"what is {word!r} in: {line}")
    if match["absent"]:
        entry.kind = "absent"
    elif match["symlink"]:
        entry.kind, entry.target = "symlink", text(match["symlink"])
    elif match["link"]:
        entry.kind, entry.target = "link", text(match["link"])
    elif entry.path.endswith("/"):
        entry.kind, entry.path = "directory", entry.path.rstrip("/") or "/"
    elif match["file"]:
        content = match["content"] or ""
        whole = content.startswith('"')
        entry.content = (json.loads(content) if whole else content + "\n").encode(
            "utf-8", "surrogateescape")
    elif entry.kind == "file":
        entry.content = None  # in listings: whatever it holds
    return entry


def attribute(case, line):
    name, _, value = line[1:].partition(" ")
    if name not in ATTRIBUTES:
        raise CaseError(f"no attribute @{name}")
    if name == "fails":
        case.fails = True
    elif name == "peers":
        words, colon, case.reason = value.partition(": ")
        if not colon:
            raise CaseError("@peers needs a reason")
        case.peers = ()
        for word in words.split() if words != "none" else ():
            match = re.fullmatch(r"(buildah|docker)(?:>=(\d+))?", word)
            if not match:
                raise CaseError(f"no such peer: {word}")
            case.peers += (match[1],)
            case.since[match[1]] = int(match[2] or 0)
    elif name == "options":
        case.options += shlex.split(value)
    return name


def parse_case(topic, name, lines):
    case = Case(name, topic)
    marks = set()
    while lines and lines[0].startswith("@"):
        marks.add(attribute(case, lines.pop(0)))
    sections = [("Dockerfile", [])]
    for line in lines:
        if line.startswith("--- "):
            sections.append((line[4:], []))
        else:
            sections[-1][1].append(line)
    for title, body in sections:
        kind, _, rest = title.partition(" ")
        while kind != "file" and body and not body[-1].strip():
            body.pop()
        whole = "".join(line + "\n" for line in body).encode("utf-8", "surrogateescape")
        if title == "Dockerfile":
            case.dockerfile = whole
        elif kind == "context":
            case.context += [entry_of(line) for line in body if line]
        elif kind == "archive":
            packer, file = rest.split(" ", 1)
            case.archives.append((file, packer, [entry_of(line) for line in body if line]))
        elif kind == "file":
            entry = entry_of(rest + ":")
            while body and not body[-1].strip():
                body.pop()
            entry.content = "".join(line + "\n" for line in body).encode(
                "utf-8", "surrogateescape")
            case.context.append(entry)
        elif kind == "parent":
            case.parents.append((rest, whole))
        elif kind == "listing":
            case.listing += [entry_of(line) for line in body if line]
        elif kind == "config":
            for line in body:
                key, _, value = line.partition(" ")
                case.config[key] = json.loads(value)
        else:
            raise CaseError(f"no section {title!r}")
    if "crlf" in marks:
        case.dockerfile = case.dockerfile.replace(b"\n", b"\r\n")
    if "bom" in marks:
        case.dockerfile = b"\xef\xbb\xbf" + case.dockerfile
    if "unended" in marks:
        case.dockerfile = case.dockerfile.rstrip(b"\n")
    return case


def read_cases(directory):
    """All cases, file after file. Raises CaseError for mistakes and names used twice."""
    cases, names = [], set()
    for file in sorted(os.listdir(directory)):
        if not file.endswith(".txt"):
            continue
        topic = file[:-4]
        with open(os.path.join(directory, file), encoding="utf-8", errors="surrogateescape") as f:
            blocks = re.split(r"^=== *", f.read(), flags=re.MULTILINE)[1:]
        for block in blocks:
            lines = block.split("\n")
            name = lines.pop(0).strip()
            try:
                case = parse_case(topic, name, lines)
            except (CaseError, ValueError) as error:
                raise CaseError(f"{file}: {name}: {error}") from error
            for used in [name] + [parent for parent, _ in case.parents]:
                if used in names:
                    raise CaseError(f"{file}: the name {used} is used twice")
                names.add(used)
            cases.append(case)
    return cases

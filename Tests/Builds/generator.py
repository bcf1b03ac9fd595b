"""Random Dockerfiles with contexts, the same for the same seed."""

import copy
import json
import random

from cases import Case, Entry

PLAIN = ["a", "b", "c.txt", "d.txt", "e.md", "f", "sub", "deep", "x1", "x2", ".hidden"]
ODD = [
    "two words", "ünï", "e\u0301", "st*r", "br[ack", "wh?t", "back\\slash", "-dash", "tab\there",
    "new\nline", "$dollar", "#hash", "it's", "say \"hi\"", "%41", "café.txt", "a:b", "a,b", "…",
    "n" * 255, ".wh", "wh.a",
]
# Not UTF-8: what surrogates stand for are the bytes FF and FE.
FOREIGN = ["\udcff", "x\udcfe\udcff.txt"]
FILE_MODES = [0o644] * 6 + [0o600, 0o755, 0o400, 0o4755, 0o2755, 0o1644, 0o000, 0o7777]
DIRECTORY_MODES = [0o755] * 5 + [0o700, 0o711, 0o1777, 0o2755, 0o500]
OWNERS = [None, None, (5, 6), (1000, 1000), (70000, 2**31 + 5)]
# What the steps name of the image: of the base, made by steps, links of all kinds.
PLACES = [
    "/srv/file", "/srv/full", "/srv/full/a", "/srv/full/n", "/srv/new", "/srv/new/n",
    "/srv/relative", "/srv/absolute", "/srv/dangling", "/srv/to-file", "/opt", "/opt/o",
    "/new", "/new/sub", "/new/sub/deep", "/w", "/w/a", "/w/sub", "/v", "/v/x", "/home/app/h",
    "/tmp/t", "/x1", "/etc/e",
]
LINKS = [
    ("root", "/"), ("up", "../srv"), ("chain", "up/full"), ("deep", "../../../../srv/full"),
    ("none", "/l/nothing/x"), ("loop1", "loop2"), ("loop2", "loop1"), ("self", "."),
    ("file", "../srv/file"), ("dots", "../new/../srv/"), ("there", "/new"),
]
THROUGH = [
    "/l/root/q", "/l/root/", "/l/up/", "/l/up/q", "/l/up/file", "/l/chain", "/l/chain/",
    "/l/chain/q", "/l/deep/", "/l/deep/q/r", "/l/none", "/l/none/", "/l/none/q", "/l/loop1/q",
    "/l/self/self/q", "/l/self/", "/l/file", "/l/dots/q", "/l/there", "/l/there/", "/l/there/q",
    "/l/../l/up/r",
]
VARIABLES = ["A", "B", "C", "D", "UNSET", "HOME"]
USERS = ["app", "app:staff", "web", "1000", "1000:50", "33:33", "0", "root", "2000000000", "12:13"]
# Which files a step may change without breaking hard links, which overlayfs would.
GUARD = ("one() { [ -d $1 -a ! -L $1 ] && [ -z \"$(find $1 -type f -links +1)\" ] || "
         "[ ! -d $1 -a \"$(stat -Lc %h $1)\" = 1 ]; }; ")


class Step:
    """An instruction, and how a peer that does not know its flags writes it."""

    def __init__(self, text, plain=None):
        self.text, self.plain = text, plain or text


class Stage:
    def __init__(self, start, name):
        self.start, self.name, self.steps = start, name, []


class RandomCase(Case):
    """A case whose outcome is what the peers make of it."""

    def write(self):
        """Puts the instructions together; those for peers apart."""
        def joined(plain):
            lines = list(self.head)
            for stage in self.stages:
                lines.append(f"FROM {stage.start}" + (f" AS {stage.name}" if stage.name else ""))
                lines += [step.plain if plain else step.text for step in stage.steps]
            return ("\n".join(lines) + "\n").encode()
        self.dockerfile, self.for_peers = joined(False), joined(True)

    def without_step(self, line):
        """Takes the step at a line away: whether there was one."""
        number = len(self.head)
        for stage in self.stages:
            number += 1
            for index, step in enumerate(stage.steps):
                number += 1 + step.text.count("\n")
                if line <= number:
                    if line > number - 1 - step.text.count("\n"):
                        del stage.steps[index]
                        self.write()
                        return True
                    return False
        return False


class Generator:
    """Makes one case.

    With `newer`, instructions are among it that not all peers know, and the context is there once more under the
    name `here`.
    """

    def __init__(self, seed, without=(), newer=False):
        self.random = random.Random(seed)
        self.newer = newer
        self.case = RandomCase(f"random-{seed}", "random")
        self.without = set(without)
        self.inline = 0
        self.odd = self.chance(0.4)
        self.foreign = self.chance(0.1) and "foreign" not in self.without
        self.archive_names = []

    def chance(self, share):
        return self.random.random() < share

    def pick(self, values):
        return self.random.choice(values)

    def made(self):
        self.directories, self.files = [""], []
        for _ in range(self.random.randint(4, 16)):
            self.add_entry()
        if self.chance(0.4):
            self.add_archive("arch.tar" + self.pick(["", ".gz", ".bz2"]))
        if self.chance(0.3):
            self.add_ignore()
        self.case.head = []
        if self.chance(0.4):
            self.case.head = [f"ARG {self.pick('AB')}=global", "ARG BASE=base"]
        self.case.stages = []
        parent = self.add_parent() if self.chance(0.15) else None
        for index in range(self.pick([1, 1, 1, 2, 2, 3])):
            self.add_stage(index, parent)
        if self.chance(0.3):
            value = self.pick(["given", "", "a b"])
            self.case.options += ["--build-arg", f"{self.pick('ABC')}={value}"]
        self.case.write()
        return self.case

    # Changes of a case that is made

    def changed(self):
        """A copy of the case with one to three small changes, as one who works on it makes them."""
        self.case = copy.deepcopy(self.case)
        for _ in range(self.pick([1, 1, 1, 2, 3])):
            self.pick([
                self.change_file, self.change_file, self.change_file, self.change_attributes,
                self.change_link, self.remove_entry, self.add_entry, self.change_ignored,
                self.change_archive, self.remove_step, self.repeat_step, self.swap_steps,
                self.insert_step, self.insert_step, self.change_arguments, self.change_parent,
            ])()
        self.case.write()
        return self.case

    def entries(self, *kinds):
        return [entry for entry in self.case.context
                if entry.kind in kinds and entry.path != ".dockerignore"]

    def change_file(self):
        """Another content; of the same size as often as not, which its status does not tell."""
        if found := self.entries("file"):
            entry = self.pick(found)
            turned = bytes([entry.content[0] ^ 1]) + entry.content[1:] if entry.content else b"."
            entry.content = self.pick([turned, entry.content + b"+", self.content()])

    def change_attributes(self):
        if found := self.entries("file", "directory", "fifo"):
            entry = self.pick(found)
            kind = self.random.random()
            if kind < 0.6:
                entry.mode = entry.permissions() ^ self.pick([0o1, 0o20, 0o4, 0o10])
            elif kind < 0.8:
                entry.owner = self.pick(OWNERS)
            elif entry.kind == "file":
                entry.xattrs = {} if entry.xattrs else {"user.note": b"changed"}

    def change_link(self):
        if found := self.entries("symlink"):
            self.pick(found).target = self.link_target()

    def remove_entry(self):
        linked = {entry.target for entry in self.entries("link")}
        found = [entry for entry in self.case.context
                 if entry.kind != "directory" and entry.path not in linked]
        if found:
            entry = self.pick(found)
            self.case.context.remove(entry)
            if entry.path in self.files:
                self.files.remove(entry.path)

    def change_ignored(self):
        if self.chance(0.5):
            self.case.context = [
                entry for entry in self.case.context if entry.path != ".dockerignore"]
        if not any(entry.path == ".dockerignore" for entry in self.case.context):
            self.add_ignore()

    def change_archive(self):
        for _, _, entries in self.case.archives:
            if found := [entry for entry in entries if entry.kind == "file"]:
                self.pick(found).content += b"+"

    def a_stage(self, fewest=1):
        """A stage and the place of one of its steps; None where none has so many."""
        stages = [stage for stage in self.case.stages if len(stage.steps) >= fewest]
        if not stages:
            return None
        stage = self.pick(stages)
        return stage, self.random.randrange(len(stage.steps) - fewest + 1)

    def remove_step(self):
        if found := self.a_stage():
            del found[0].steps[found[1]]

    def repeat_step(self):
        if found := self.a_stage():
            found[0].steps.insert(found[1], found[0].steps[found[1]])

    def swap_steps(self):
        if found := self.a_stage(fewest=2):
            steps, index = found[0].steps, found[1]
            steps[index], steps[index + 1] = steps[index + 1], steps[index]

    def insert_step(self):
        stage = self.pick(self.case.stages)
        makers = [self.copy, self.environment, self.argument, self.label, self.workdir]
        if stage.start != "scratch":
            makers += [self.run, self.run, self.user]
            makers += [self.run_mounted, self.run_kept] if self.newer else []
        makers += [self.copy_newer] if self.newer else []
        stage.steps.insert(self.random.randint(0, len(stage.steps)), self.pick(makers)(stage))

    def change_arguments(self):
        self.case.options = []
        if self.chance(0.7):
            value = self.pick(["other", "", "a b", "given"])
            self.case.options = ["--build-arg", f"{self.pick('ABC')}={value}"]

    def change_parent(self):
        """Another image of the same name below."""
        self.case.parents = [
            (name, text + b"RUN echo changed >> /srv/file\nONBUILD LABEL changed=yes\n")
            for name, text in self.case.parents]

    # The context

    def add(self, path, kind, **values):
        self.case.context.append(Entry(path, kind, **values))

    def name(self):
        pool = PLAIN
        if self.odd and self.chance(0.4):
            pool = ODD
        if self.foreign and self.chance(0.3):
            pool = FOREIGN
        return self.pick(pool)

    def add_entry(self):
        directory = self.pick(self.directories)
        path = (directory + "/" if directory else "") + self.name()
        if path in self.directories or path in self.files or len(path) > 600:
            return
        owner = self.pick(OWNERS)
        kind = self.random.random()
        if kind < 0.25 and path.count("/") < 3:
            self.directories.append(path)
            self.add(path, "directory", owner=owner,
                     mode=0o755 if "setuid" in self.without else self.pick(DIRECTORY_MODES))
            return
        if kind < 0.45:
            self.add(path, "symlink", target=self.link_target(), owner=owner)
        elif kind < 0.55 and any(entry.kind == "file" for entry in self.case.context):
            first = self.pick([entry for entry in self.case.context if entry.kind == "file"])
            self.add(path, "link", target=first.path)
        elif kind < 0.58 and "fifo" not in self.without:
            self.add(path, "fifo", mode=0o640)
        else:
            attributes = {"user.note": b"n"} if self.chance(0.1) else {}
            if "attributes" in self.without:
                attributes = {}
            if self.chance(0.05) and "attributes" not in self.without:
                attributes["security.capability"] = bytes.fromhex(
                    "0100000200040000000000000000000000000000")
            self.add(path, "file", mode=self.pick(FILE_MODES), owner=owner, xattrs=attributes,
                     content=self.content())
        entry = self.case.context[-1]
        if "setuid" in self.without and entry.mode is not None:
            entry.mode &= 0o777
        self.files.append(path)

    def content(self):
        kind = self.random.random()
        if kind < 0.1:
            return b""
        if kind < 0.2:
            return bytes(300_000) + b"end" + bytes(self.random.randint(0, 70_000))
        if kind < 0.25:
            return self.random.randbytes(self.random.choice([1, 4095, 4096, 4097, 65536, 131073]))
        return b"content %d\n" % self.random.randint(0, 5)

    def link_target(self):
        known = [path for path in self.files + self.directories if path] or ["a"]
        return self.pick([
            self.pick(known), "/" + self.pick(known), "../" + self.pick(known), "nowhere",
            "/srv/full", "../../..", ".", self.pick(known).rsplit("/", 1)[-1],
            "/etc/passwd", self.pick(known) + "/x",
        ])

    def add_archive(self, name):
        entries, names = [], []
        for _ in range(self.random.randint(1, 8)):
            path = "/".join(self.pick(["a", "b", "sub", "full", "file", "two", "q"])
                            for _ in range(self.random.randint(1, 3)))
            owner = self.pick([None, (12, 34), (70000, 5)])
            kind = self.random.random()
            if kind < 0.3:
                mode = self.pick(DIRECTORY_MODES)
                entries.append(Entry(path, "directory", mode=mode, owner=owner))
            elif kind < 0.4:
                entries.append(Entry(path, "symlink", target=self.pick(["a", "/srv/full", "../x"])))
            elif kind < 0.5 and names:
                entries.append(Entry(path, "link", target=self.pick(names)))
            else:
                names.append(path)
                entries.append(Entry(path, "file", mode=self.pick(FILE_MODES), owner=owner,
                                     content=self.content()))
        # What an archive has at one place is of one kind: a name twice, or below a file, is a
        # matter of the order in which unpackers do things.
        kept = {}
        for entry in entries:
            ways = [entry.path[:end] for end, byte in enumerate(entry.path) if byte == "/"]
            if entry.path in kept or any(
                    way in kept and kept[way].kind != "directory" for way in ways) or any(
                    other.startswith(entry.path + "/") for other in kept):
                continue
            if entry.kind == "link" and (entry.target not in kept or entry.target == entry.path):
                continue
            kept[entry.path] = entry
        packer = {"arch.tar": "tar", "arch.tar.gz": "tar.gz", "arch.tar.bz2": "tar.bz2"}[name]
        self.case.archives.append((name, packer, list(kept.values())))
        self.archive_names.append(name)

    def add_ignore(self):
        known = [path for path in self.files + self.directories if plain(path) and path] or ["a"]
        lines = []
        for _ in range(self.random.randint(1, 5)):
            path = self.pick(known)
            name = path.rsplit("/", 1)[-1]
            line = self.pick([
                path, "/" + path, name, "**/" + name, "*/" + name, path + "/", path + "/*", "*.txt",
                "**/*.md", name[0] + "*", "*", "**", "sub/**", "./" + path, "# " + path, "x[0-9]",
                "*/*/*", "?", path + "/**/a", "  " + path + " ",
            ])
            if self.chance(0.9):
                line = ("!" if self.chance(0.35) else "") + line.strip()
            lines.append(line)
        lines += ["!.plain", "!arch.tar*"]
        self.add(".dockerignore", "file", content="\n".join(lines).encode() + b"\n")

    # The Dockerfile

    def add_parent(self):
        """An image with triggers."""
        lines = ["FROM base"]
        stage = Stage("base", "")
        for _ in range(self.random.randint(1, 3)):
            makers = [self.copy, self.run, self.environment, self.label, self.workdir]
            step = self.pick(makers)(stage)
            if "\n" not in step.text and step.text == step.plain:
                lines.append("ONBUILD " + step.text)
        name = self.case.name + "-parent"
        self.case.parents.append((name, ("\n".join(lines) + "\n").encode()))
        return name

    def add_stage(self, index, parent):
        names = [stage.name for stage in self.case.stages if stage.name]
        start = "base"
        if self.case.head and self.chance(0.5):
            start = self.pick(["$BASE", "${BASE}", "${BASE:-none}", "ba${X:-se}"])
        elif parent and self.chance(0.7):
            start = parent
        elif names and self.chance(0.4):
            start = self.pick(names)
        elif names and self.chance(0.2):
            start = "scratch"
        stage = Stage(start, f"stage{index}" if self.chance(0.8) else "")
        if start != "scratch" and self.chance(0.5):
            links = " && ".join(f"ln -s {target} /l/{name}" for name, target in LINKS)
            stage.steps.append(Step(f"RUN mkdir -p /l && {links} || true"))
        kinds = [(self.copy, 9), (self.workdir, 2), (self.environment, 3), (self.argument, 2),
                 (self.label, 1), (self.settings, 2), (self.add_instruction, 3),
                 (self.copy_from, 3), (self.copy_inline, 1)]
        if start != "scratch":
            kinds += [(self.run, 8), (self.user, 1)]
        if "volume" not in self.without:
            kinds.append((self.volume, 1))
        if self.newer:
            kinds += [(self.copy_newer, 4)]
            if start != "scratch":
                kinds += [(self.run_mounted, 6), (self.run_kept, 2)]
        makers = [maker for maker, weight in kinds for _ in range(weight)]
        for _ in range(self.random.randint(2, 10)):
            stage.steps.append(self.pick(makers)(stage))
        self.case.stages.append(stage)

    def expansion(self):
        """A word with variables, in one of the forms that all frontends know."""
        name, other = self.pick(VARIABLES), self.pick(VARIABLES)
        return self.pick([
            f"${name}", f"${{{name}}}", f"${{{name}:-d-{other}}}", f"${{{name}:+set}}",
            f"${{{name}:-${other}}}", f"${{{name}:+${other}x}}", f"pre${name}", f"${{{name}}}post",
            f"\\${name}", f"'${name}'", f"\"${name} b\"", f"'it'\"s\"${name}", "plain", "a\\ b",
            f"\"a\\\"${other}\"", f"${name}${other}", f"${name}-${{{other}}}.", "'a b'", "\"\"",
            f"\"${{{name}:-\"q\"}}\"", "x" if "unset" in self.without else f"${{{name}-e}}",
            "y" if "unset" in self.without else f"${{{name}+e}}",
        ])

    def environment(self, _):
        if self.chance(0.15):
            return Step(f"ENV {self.pick(VARIABLES[:4])} some  text ${self.pick(VARIABLES)}")
        return Step("ENV " + " ".join(
            f"{self.pick(VARIABLES[:4])}={self.expansion()}"
            for _ in range(self.random.randint(1, 3))))

    def argument(self, _):
        name = self.pick(VARIABLES[:4])
        return Step(f"ARG {name}" + (f"={self.expansion()}" if self.chance(0.6) else ""))

    def label(self, _):
        return Step(f"LABEL l{self.random.randint(1, 3)}={self.expansion()}"
                    + (f" \"k $A\"={self.expansion()}" if self.chance(0.3) else ""))

    def workdir(self, _):
        return Step("WORKDIR " + self.pick([
            "/w", "sub", "/new/sub", "../up", "/srv/relative", "/srv/absolute/w", ".", "/w/",
            "$A", "/w/${B:-b}", "/opt//o", "/", "w e", "/srv/dangling", "/q", "/q", "/q"]))

    def user(self, _):
        return Step("USER " + self.pick(["app", "app:staff", "1000", "root", "33:33", "0", "root"]))

    def volume(self, _):
        return Step("VOLUME " + self.pick(
            ["/v", "/v /new", "[\"/v\", \"/w v\"]", "/srv/full", "$A"]))

    def settings(self, _):
        return Step(self.pick([
            "EXPOSE 80", "EXPOSE 53/udp 80/tcp", "EXPOSE ${PORT:-8080}", "STOPSIGNAL SIGINT",
            "CMD [\"a\", \"b $A\"]", "CMD echo $A  \"b\"", "ENTRYPOINT [\"/bin/e\"]",
            "ENTRYPOINT exec top", "SHELL [\"/bin/sh\", \"-ec\"]", "MAINTAINER some one <a@b>",
            "HEALTHCHECK NONE", "HEALTHCHECK --interval=5s --retries=2 CMD test -f /a",
            "CMD []", "ENTRYPOINT []", "STOPSIGNAL 9", "LABEL a=b c='d e'",
            "CMD \\\n  echo \\\n  two",
        ]))

    def sources(self):
        """What is copied: names, directories, patterns; of odd names those that need no escape."""
        known = [path for path in self.files if plain(path)]
        kinds = [".", "*", "x*", "*.txt", "?", "*/*", "sub", "sub/.", "*/a", "[ab]*"]
        found = []
        for _ in range(self.pick([1, 1, 1, 1, 2, 3])):
            directories = [path for path in self.directories if plain(path) and path]
            if known and self.chance(0.5):
                found.append(self.pick(known))
            elif directories and self.chance(0.6):
                found.append(self.pick(directories) + self.pick(["", "/", "/.", "/*"]))
            else:
                found.append(self.pick(kinds))
        return found

    def destination(self):
        kind = self.random.random()
        if kind < 0.3:
            return self.pick(THROUGH)
        if kind < 0.45:
            return self.pick(
                [".", "./", "sub/", "n", "../up/", "sub/deep/x", "/", "$A/", "/${B:-b}/"])
        return self.pick(PLACES) + self.pick(["", "/", "/", "/n"])

    def flags(self, archive=False):
        found = []
        if self.chance(0.2) and not archive:
            found.append(f"--chown={self.pick(USERS)}")
        if self.chance(0.15) and "chmod" not in self.without:
            found.append(f"--chmod={self.pick(['755', '0600', '4711', '1777', '0', '640'])}")
        return found

    def copying(self, keyword, flags, sources, destination, newer=()):
        """A step in one of the two forms."""
        if len(sources) > 1 and not destination.endswith("/"):
            destination += "/"

        def text(flags):
            words = sources + [destination]
            if any(" " in word for word in words) or self.form:
                return " ".join([keyword, *flags, json.dumps(words, ensure_ascii=False)])
            return " ".join([keyword, *flags, *words])
        self.form = self.chance(0.2)
        return Step(text([*newer, *flags]), text(flags))

    def copy(self, _):
        destination = self.destination()
        newer = []
        may_link = not destination.startswith(("/l/", "/srv", ".", "n", "s", "$"))
        if may_link and self.chance(0.1):
            newer = ["--link"]
        return self.copying(self.pick(["COPY", "COPY", "COPY", "ADD"]), self.flags(),
                            self.sources(), destination, newer)

    def add_instruction(self, _):
        if not self.archive_names:
            return self.copy(_)
        return self.copying("ADD", self.flags(archive=True), [self.pick(self.archive_names)],
                            self.pick(["/", "/srv/", "/new/", "/srv/full", "/q/", "/l/up", "."]))

    def copy_from(self, _):
        names = [stage.name for stage in self.case.stages if stage.name]
        numbers = [str(index) for index in range(len(self.case.stages))]
        start = self.pick(names + numbers + ["base"])
        sources = [self.pick(["/srv", "/srv/full", "/srv/full/", "/srv/relative", "/srv/absolute",
                              "/etc/passwd", "/srv/fil*", "/srv/*", "/home", "/srv/to-file", "/bin",
                              "/srv/.", "srv/one", "/tmp", "/srv/relative/a", "/srv/o*"])]
        if start != "base" and self.chance(0.3):
            sources = [self.pick(["/new", "/w", "/q", "/l", "/x1", "/opt"])]
        return self.copying("COPY", [f"--from={start}", *self.flags()], sources, self.destination())

    def copy_inline(self, _):
        """A heredoc; peers copy a file of the context."""
        self.inline += 1
        path = f".plain/{self.inline}/EOF"
        text = self.pick(["line\n", "two\nlines\n", "", "tab\there\n"])
        self.add(path, "file", content=text.encode())
        destination = self.pick(PLACES[:6] + ["/new/h", "/w/h", "h", "/l/up/h"])
        flags = "".join(" " + flag for flag in self.flags())
        return Step(f"COPY{flags} <<'EOF' {destination}\n{text}EOF",
                    f"COPY{flags} {path} {destination}")

    def run(self, _):
        commands = [self.command() for _ in range(self.random.randint(1, 4))]
        return Step("RUN " + GUARD + "".join(f"({command}) 2>/dev/null; " for command in commands)
                    + "true")

    def command(self):
        place, other = self.pick(PLACES), self.pick(PLACES)
        mode = self.pick(["600", "755", "4755", "2755", "1777", "0", "2775"])
        if "setuid" in self.without:
            mode = mode[-3:]
        return self.pick([
            f"rm -rf {place}",
            f"rm -f {place}",
            f"one {place} && mv {place} {other}",
            f"one {place} && mv {place} {place}.old",
            f"ln -s {other} {place}",
            f"ln -sf full {place}",
            f"one {place} && [ -f {place} ] && ln {place} {other}",
            f"mkdir -p {place} && echo x > {place}/y",
            f"rm -rf {place} && mkdir -p {place} && echo z > {place}/z",
            f"rm -rf {place} && echo file > {place}",
            f"one {place} && chmod {mode} {place}",
            f"one {place} && chown 5:6 {place}",
            f"one {place} && chown -R app:staff {place}",
            f"one {place} && [ -f {place} ] && truncate -s 200000 {place}",
            f"rm -rf {place}; dd if=/dev/zero of={place} bs=1 count=1 seek=150000",
            f"one {place} && [ -f {place} ] && echo more >> {place}",
            f"one {place} && touch -d @1234567890 {place}",
            f"mkdir {place}" if "fifo" in self.without else f"mkfifo {place}",
            f"echo > {place}" if "device" in self.without else f"mknod {place} c 1 3",
            f"cp -a {place} {other}",
            f"rm -rf {place}/*",
            f"one {place} && mv {place} {other} && mkdir {place}",
            f"mkdir {place}; one {place} && mv {place} /moved; echo $A $B > /said",
            "echo \"$A|$B|$C|$D|$HOME|$PWD\" > /said",
            "id -u > /id; id -g >> /id; pwd >> /id; umask >> /id",
        ])


    def start_of_copy(self, *others):
        """Where a step may copy from: a stage or an image, or one of the others."""
        names = [stage.name for stage in self.case.stages if stage.name]
        return self.pick([*names, "base", *others])

    def copy_newer(self, _):
        flags = self.flags()
        if self.chance(0.5):
            flags.append("--link")
        if self.chance(0.4):
            flags.append("--parents")
        for _ in range(self.pick([0, 0, 1, 2])):
            known = [path for path in self.files if plain(path)] or ["a"]
            flags.append("--exclude=" + self.pick([
                "*.txt", "**/a", "sub", "*", "**/x*", self.pick(known), "?", "**/sub/**"]))
        if self.chance(0.4):
            flags.append(f"--from={self.start_of_copy('here', 'here')}")
        return self.copying("COPY", flags, self.sources(), self.destination())

    def run_mounted(self, _):
        """A command that reads all that it has mounted."""
        known = [path for path in self.files + self.directories if plain(path) and path] or ["a"]
        words, looks = [], []
        for number in range(self.pick([1, 1, 1, 2])):
            mount = [f"type=bind,target=/m{number}"]
            start = self.start_of_copy("", "", "here")
            if start:
                mount.append(f"from={start}")
            if self.chance(0.6):
                inside = ["/srv", "/srv/full", "srv/relative", "/etc/passwd", "/w", "/new"]
                mount.append("source=" + self.pick(known if start in ("", "here") else inside))
            if self.chance(0.2):
                mount.append("rw")
            words.append("--mount=" + ",".join(mount))
            looks.append(self.pick([
                f"find /m{number} -type f | sort | xargs md5sum > /seen",
                # No times: a repository has none.
                f"find /m{number} -exec stat -c '%A %u %g %N' {{}} + | sort > /seen", f"cp -a /m{number} /new/",
                # No fifos: nobody writes to them.
                f"for f in /m{number} /m{number}/*; do [ -f $f ] && cat $f; done > /seen",
                f"for f in /m{number} /m{number}/a; do [ -p $f ] || echo more >> $f; done; "
                f"[ -f /m{number}/a ] && cat /m{number}/a > /seen",
                f"rm -rf /m{number}/*; ls /m{number} > /seen",
            ]))
        return Step(f"RUN {' '.join(words)} " + "".join(
            f"({look}) 2>/dev/null; " for look in looks) + "true")

    def run_kept(self, _):
        """A command with what the cache does not count: it makes the same whatever that has."""
        mode = self.pick(["0755", "0700", "1777"])
        return Step(self.pick([
            f"RUN --mount=type=cache,id=kept{mode},target=/c,mode={mode} "
            "[ -f /c/n ] || echo kept > /c/n; cp /c/n /kept; stat -c %a /c >> /kept",
            "RUN --mount=type=cache,target=/var/kept echo more >> /var/kept/n; test -s /var/kept/n",
            f"RUN --mount=type=cache,target=/c,uid=5,id=five,sharing={self.pick(['locked', 'private'])} "
            "stat -c %u /c > /kept; echo $$ > /c/who",
            "RUN --mount=type=secret,id=word test -s /run/secrets/word && echo told > /told",
            "RUN --mount=type=secret,id=word,target=/t/word,mode=0404 stat -c %a /t/word > /told",
            "RUN --mount=type=secret,id=word,env=WORD test -n \"$WORD\" && echo $A > /told",
            "RUN --mount=type=tmpfs,target=/srv echo x > /srv/gone; ls /srv > /told",
        ]))


def plain(path):
    """Whether a Dockerfile can name it without escapes."""
    return all(character.isalnum() or character in "./ -_," for character in path) \
        and not path.startswith(("-", " "))

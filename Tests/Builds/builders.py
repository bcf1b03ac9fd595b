"""The builders: Vitrine and its peers, each with a store of its own in a temporary directory."""

import io
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import tarfile
import time

import trees

LIMIT = 120  # seconds for one command
CONFIG = (
    "Env", "Cmd", "Entrypoint", "User", "WorkingDir", "Labels", "ExposedPorts", "Volumes",
    "StopSignal", "Shell", "Healthcheck", "OnBuild",
)
BASE_TIME = 946_684_800
DIRECTORIES = "/bin /dev /etc /home /opt /proc /run /srv /srv/full /sys /usr /usr/bin /var".split()
APPLETS = """
[ ash awk basename base64 cat chgrp chmod chown cmp cp cut date dd dirname echo env expr false find
grep head hostname id link ln ls md5sum mkdir mkfifo mknod mktemp mv od printf pwd readlink rm rmdir
sed seq sh sha256sum sleep sort stat tail tar tee test touch tr true truncate uname unlink wc whoami
xargs""".split()


class BuilderError(Exception):
    """A builder could not be started, or an image not be read."""


def run(words, check=True, **options):
    """Runs a command: its exit code and what it printed."""
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=LIMIT, **options)
    if check and done.returncode != 0:
        tail = done.stderr.decode(errors="replace")[-1000:]
        raise BuilderError(f"{' '.join(words)} ended with exit code {done.returncode}: {tail}")
    return done


def base_layer(busybox, applets=APPLETS):
    """The files of the base image: busybox, a few users, and things to copy over."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w", format=tarfile.PAX_FORMAT) as archive:
        def add(path, mode, kind=tarfile.REGTYPE, data=b"", owner=(0, 0), target=""):
            member = tarfile.TarInfo(path)
            member.type, member.mode, member.linkname = kind, mode, target
            member.uid, member.gid = owner
            member.size, member.mtime = len(data), BASE_TIME
            archive.addfile(member, io.BytesIO(data))

        add("./", 0o755, tarfile.DIRTYPE)
        for path in DIRECTORIES:
            add(path[1:], 0o755, tarfile.DIRTYPE)
        add("root", 0o700, tarfile.DIRTYPE)
        add("tmp", 0o1777, tarfile.DIRTYPE)
        add("home/app", 0o750, tarfile.DIRTYPE, owner=(1000, 1000))
        with open(busybox, "rb") as file:
            add("bin/busybox", 0o755, data=file.read())
        for name in applets:
            add("bin/" + name, 0o777, tarfile.SYMTYPE, target="busybox")
        users = ["root:x:0:0", "daemon:x:1:1", "web:x:33:33", "app:x:1000:1000", "dev:x:1001:100"]
        groups = ["root:x:0:", "daemon:x:1:", "web:x:33:", "staff:x:50:app", "users:x:100:",
                  "app:x:1000:"]
        add("etc/passwd", 0o644, data="".join(
            f"{user}::{'/root' if user.startswith('root') else '/home/app'}:/bin/sh\n"
            for user in users).encode())
        add("etc/group", 0o644, data="".join(group + "\n" for group in groups).encode())
        for path in ("etc/hosts", "etc/hostname", "etc/resolv.conf"):
            add(path, 0o644)
        add("srv/file", 0o640, data=b"base file\n", owner=(33, 33))
        add("srv/one", 0o644, data=b"one file, two names\n")
        add("srv/two", 0o644, tarfile.LNKTYPE, target="srv/one")
        add("srv/full/a", 0o644, data=b"a\n")
        add("srv/full/b", 0o644, data=b"b\n")
        add("srv/relative", 0o777, tarfile.SYMTYPE, target="full")
        add("srv/absolute", 0o777, tarfile.SYMTYPE, target="/srv/full")
        add("srv/dangling", 0o777, tarfile.SYMTYPE, target="/srv/made")
        add("srv/to-file", 0o777, tarfile.SYMTYPE, target="file")
    return output.getvalue()


def architecture():
    """This host's, as images name it."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def static_busybox():
    """Where it is on this host."""
    busybox = shutil.which("busybox")
    if busybox is None:
        raise BuilderError("there is no busybox; \"apt-get install busybox-static\"")
    with open(busybox, "rb") as file:
        if b"/ld-linux" in file.read(8192):
            raise BuilderError("busybox is not static; \"apt-get install busybox-static\"")
    return busybox


def base_image(path):
    """Writes the image base:latest as an archive of "docker save"."""
    layer = base_layer(static_busybox())
    config = {
        "architecture": architecture(), "os": "linux", "created": "2000-01-01T00:00:00Z",
        "config": {"Env": ["PATH=/bin:/usr/bin"], "Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + trees.digest_of(layer)]},
        "history": [{"created": "2000-01-01T00:00:00Z", "created_by": "base"}],
    }
    config = json.dumps(config).encode()
    name = trees.digest_of(config) + ".json"
    manifest = [{"Config": name, "RepoTags": ["base:latest"], "Layers": ["base/layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        for member, data in ((name, config), ("base/layer.tar", layer),
                             ("manifest.json", json.dumps(manifest).encode())):
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def normal(config):
    """A config with what is empty left out."""
    return {key: config.get(key) for key in CONFIG if config.get(key)}


def read_archive(data):
    """The layers, as open files, and the config of what "save" writes."""
    archive = tarfile.open(fileobj=io.BytesIO(data))
    manifest = json.load(archive.extractfile("manifest.json"))[0]
    layers = [archive.extractfile(layer) for layer in manifest["Layers"]]
    return layers, json.load(archive.extractfile(manifest["Config"]))


def history_of(config):
    return [(entry.get("created_by", ""), entry.get("empty_layer", False))
            for entry in config.get("history") or []]


class Builder:
    """A builder that is there as a context manager, with a directory of its own."""

    name = ""
    version = 0  # the first number of it

    def __init__(self, directory, program):
        self.directory, self.program = directory, program

    @classmethod
    def found(cls):
        """The program, or None where it is not there."""
        return shutil.which(cls.name)

    def __enter__(self):
        os.makedirs(self.directory)
        return self

    def __exit__(self, *_):
        remove_below(self.directory)

    def load(self, archive):
        raise NotImplementedError

    def build(self, tag, context, dockerfile, options):
        """Builds; the exit code and the log.

        Without a cache: what is found there has the times of another context's files.
        """
        raise NotImplementedError

    def image(self, tag):
        """An image's tree, config and history (None where it is not to be compared)."""
        raise NotImplementedError


class Vitrine(Builder):
    name = "vitrine"

    def command(self, *words, check=True):
        return run([self.program, *words], check, env={
            **os.environ, "VITRINE_ROOT": os.path.join(self.directory, "store"),
            "VITRINE_MOUNT": os.path.join(self.directory, "gallery")})

    def load(self, archive):
        self.command("load", "-q", "-i", archive)

    def build(self, tag, context, dockerfile, options, may_hit=False):
        """Builds; with the cache of the store if it `may_hit`; without a Dockerfile, from the context's."""
        cache = [] if may_hit else ["--no-cache"]
        file = ["-f", dockerfile] if dockerfile else []
        done = self.command("build", *cache, "--progress", "plain", "-t", tag,
                            *file, *options, context, check=False)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def identity(self, tag):
        """The digest of an image's config, which names its layers."""
        return json.loads(self.command("inspect", tag).stdout)[0]["Id"]

    def image(self, tag):
        config = json.loads(self.command("inspect", tag).stdout)[0]["Config"]
        # "history" shows what was written as one line.
        _, saved = read_archive(self.command("save", tag).stdout)
        mount = os.path.join(self.directory, "mount-" + tag)
        os.mkdir(mount)
        self.command("mount", tag, mount)
        try:
            tree = trees.read_directory(mount)
        finally:
            self.command("umount", mount)
            os.rmdir(mount)
        return tree, normal(config), history_of(saved)


class Buildah(Builder):
    name = "buildah"

    def __enter__(self):
        super().__enter__()
        self.policy = os.path.join(self.directory, "policy.json")
        with open(self.policy, "w") as file:
            json.dump({"default": [{"type": "insecureAcceptAnything"}]}, file)
        self.registries = os.path.join(self.directory, "registries.conf")
        with open(self.registries, "w") as file:
            file.write("unqualified-search-registries = []\n")
        return self

    def __exit__(self, *_):
        subprocess.run(self.words("umount", "--all"), capture_output=True)
        subprocess.run(self.words("rm", "--all"), capture_output=True)
        super().__exit__()

    def words(self, *words):
        return [self.program, "--root", os.path.join(self.directory, "root"),
                "--runroot", os.path.join(self.directory, "run"),
                "--registries-conf", self.registries, *words]

    def command(self, *words, check=True):
        return run(self.words(*words), check, env={**os.environ, "TMPDIR": self.directory})

    def load(self, archive):
        self.command("pull", "--quiet", "--signature-policy", self.policy,
                     "docker-archive:" + archive)

    def build(self, tag, context, dockerfile, options):
        done = self.command(
            "build", "--isolation", "chroot", "--format", "docker", "--pull=never",
            "--identity-label=false", "--signature-policy", self.policy,
            "-t", tag, "-f", dockerfile, *options, context, check=False)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def image(self, tag):
        # OCI's config knows no Shell, Healthcheck and OnBuild: Docker's has all.
        described = json.loads(self.command("inspect", "--type", "image", tag).stdout)
        container = self.command("from", "--pull-never", "--signature-policy", self.policy,
                                 tag).stdout.decode().strip()
        try:
            mount = self.command("mount", container).stdout.decode().strip()
            tree = trees.read_directory(mount)
        finally:
            self.command("rm", container)
        return tree, normal(described["Docker"]["config"]), None


class Docker(Builder):
    """A dockerd of its own, whose BuildKit builds."""

    name = "docker"
    daemon = None

    @classmethod
    def found(cls):
        """The first client that knows BuildKit: by itself before 23, with a plugin from then on."""
        if shutil.which("dockerd") is None:
            return None
        for directory in os.get_exec_path():
            client = shutil.which("docker", path=directory)
            if client is None:
                continue
            version = run([client, "--version"], check=False).stdout.decode()
            number = re.search(r"version (\d+)", version)
            if number and int(number[1]) < 23:
                return client
            if run([client, "buildx", "version"], check=False).returncode == 0:
                return client
        return None

    def __enter__(self):
        super().__enter__()
        version = run(["dockerd", "--version"]).stdout.decode()
        self.version = int(re.search(r"version (\d+)", version)[1])
        self.socket = "unix://" + os.path.join(self.directory, "d.sock")
        state = os.path.join(self.directory, "state")
        words = ["dockerd", "--data-root", os.path.join(self.directory, "data"),
                 "--exec-root", state, "--pidfile", os.path.join(self.directory, "pid"),
                 "-H", self.socket, "--iptables=false", "--ip6tables=false", "--bridge=none",
                 "--config-file", self.write("daemon.json", "{}")]
        self.log = os.path.join(self.directory, "log")
        with open(self.log, "wb") as log:
            # A session of its own: Ctrl-C is for this program, which then ends it.
            self.daemon = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            self.wait_until_it_answers()
        except BaseException:
            self.__exit__()
            raise
        return self

    def wait_until_it_answers(self):
        deadline = time.monotonic() + 30
        while self.command("version", check=False).returncode != 0:
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                with open(self.log, errors="replace") as file:
                    raise BuilderError("dockerd does not start: " + file.read()[-1500:])
            time.sleep(0.1)

    def write(self, name, content):
        path = os.path.join(self.directory, name)
        with open(path, "w") as file:
            file.write(content)
        return path

    def __exit__(self, *_):
        if self.daemon and self.daemon.poll() is None:
            # It ends its containerd, too.
            self.daemon.send_signal(signal.SIGTERM)
            try:
                self.daemon.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(self.daemon.pid, signal.SIGKILL)
                self.daemon.wait()
        super().__exit__()

    def command(self, *words, check=True):
        return run([self.program, "-H", self.socket, *words], check, env={
            **os.environ, "DOCKER_BUILDKIT": "1", "BUILDKIT_PROGRESS": "plain",
            "DOCKER_CONFIG": os.path.join(self.directory, "client")})

    def load(self, archive):
        self.command("load", "-q", "-i", archive)

    def build(self, tag, context, dockerfile, options):
        done = self.command("build", "--no-cache", "--network", "none", "-t", tag,
                            "-f", dockerfile, *options, context, check=False)
        if done.returncode != 0 and self.daemon.poll() is not None:
            raise BuilderError("dockerd has ended")
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def image(self, tag):
        tree = trees.LayeredTree()
        layers, config = read_archive(self.command("save", tag).stdout)
        for layer in layers:
            with tarfile.open(fileobj=layer) as content:
                tree.apply(content)
        return tree.tree(), normal(config["config"]), history_of(config)


def remove_below(directory):
    """Takes away the mounts below a directory, the newest first, and the directory."""
    with open("/proc/self/mounts") as file:
        mounts = [line.split()[1].replace("\\040", " ") for line in file]
    for mount in reversed(mounts):
        if mount == directory or mount.startswith(directory + "/"):
            subprocess.run(["umount", "-l", mount], stderr=subprocess.DEVNULL)
    shutil.rmtree(directory, ignore_errors=True)


PEERS = {peer.name: peer for peer in (Buildah, Docker)}

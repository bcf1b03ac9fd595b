"""The engines: Vitrine, podman and Docker, each with a store of its own and called `e`."""

import os
import re
import resource
import signal
import subprocess

import builders
from builders import BuilderError, Docker as DockerDaemon, remove_below

LIMIT = 40  # seconds for one step

# `run` and `create` have no network unless a case asks for one: a bridge is not there everywhere.
PROGRAM = r"""#!/bin/sh
group=
[ "$1" = container ] && { group=container; shift; }
case "$1" in
    run|create)
        command=$1
        shift
        network=--network=none
        for word; do
            case "$word" in
                --net|--net=*|--network|--network=*|-p|-p*|-P|--publish*) network= ;;
            esac
        done
        set -- "$command" $network %(making)s "$@" ;;
esac
exec %(program)s $group "$@"
"""


class Engine:
    """An engine as a context manager; cases call it as `e`."""

    name = ""
    making = ""

    def __init__(self, directory, program):
        self.directory, self.program = directory, program

    @classmethod
    def found(cls):
        """The program, or None where it cannot take part."""
        raise NotImplementedError

    def words(self):
        """The program with the options that every call of it has."""
        raise NotImplementedError

    def __enter__(self):
        os.makedirs(os.path.join(self.directory, "bin"))
        path = os.path.join(self.directory, "bin", "e")
        with open(path, "w") as file:
            quoted = " ".join("'" + word + "'" for word in self.words())
            file.write(PROGRAM % {"program": quoted, "making": self.making})
        os.chmod(path, 0o755)
        return self

    def __exit__(self, *_):
        self.clear(images=False)
        remove_below(self.directory)

    def load(self, archive):
        self.shell(f"e load -q -i '{archive}'", self.directory, check=True)
        self.given = set(self.lines("e images -q --no-trunc"))

    def environment(self):
        path = os.path.join(self.directory, "bin") + ":" + os.environ["PATH"]
        return {**os.environ, "PATH": path, "ENGINE": self.name, "LC_ALL": "C",
                "TERM": "xterm", "FROM_HOST": "of the host"}

    def shell(self, script, directory, check=False):
        """Runs a line of shell: its exit code, output and error output."""
        # A session of its own: what hangs is ended with all that it started.
        process = subprocess.Popen(
            ["sh", "-c", script], cwd=directory, env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True)
        try:
            output, errors = process.communicate(timeout=LIMIT)
            code = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate()
            code = "none after %d s" % LIMIT
        output, errors = (text.decode(errors="replace") for text in (output, errors))
        if check and code != 0:
            raise BuilderError(f"{self.name}: {script}: exit code {code}: {errors[-1000:]}")
        return code, output, errors

    def lines(self, script):
        return self.shell(script, self.directory)[1].split()

    def clear(self, images=True):
        """Takes away what a case has left."""
        containers = " ".join(self.lines("e ps -aq"))
        if containers:
            self.shell(f"e rm -f -v {containers}", self.directory)
        volumes = " ".join(self.lines("e volume ls -q"))
        if volumes:
            self.shell(f"e volume rm -f {volumes}", self.directory)
        if images:
            made = [image for image in dict.fromkeys(self.lines("e images -q --no-trunc"))
                    if image not in self.given]
            if made:
                self.shell("e rmi -f " + " ".join(made), self.directory)


class Vitrine(Engine):
    name = "vitrine"

    def words(self):
        return [self.program, "--root", os.path.join(self.directory, "store")]


class Podman(Engine):
    name = "podman"

    def __init__(self, directory, program):
        super().__init__(directory, program)
        # Its default, and that of --ulimit=host, cannot be set without CAP_SYS_RESOURCE.
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        with open("/proc/sys/kernel/pid_max") as file:
            processes = min(int(file.read()), resource.getrlimit(resource.RLIMIT_NPROC)[1])
        self.making = f"--ulimit nofile={files}:{files} --ulimit nproc={processes}:{processes}"

    @classmethod
    def found(cls):
        return builders.shutil.which("podman") if builders.shutil.which("runc") else None

    def words(self):
        return [self.program, "--root", os.path.join(self.directory, "root"),
                "--runroot", os.path.join(self.directory, "run"), "--storage-driver", "overlay",
                "--cgroup-manager", "cgroupfs", "--runtime", builders.shutil.which("runc")]


class Docker(Engine):
    """A dockerd of its own."""

    name = "docker"

    @classmethod
    def found(cls):
        return builders.shutil.which("docker") if builders.shutil.which("dockerd") else None

    def __init__(self, directory, program):
        super().__init__(directory, program)
        self.daemon = DockerDaemon(os.path.join(directory, "daemon"), program)

    def words(self):
        return [self.program, "-H", self.daemon.socket, "--config",
                os.path.join(self.directory, "client")]

    def __enter__(self):
        os.makedirs(self.directory)
        self.daemon.__enter__()
        return super().__enter__()

    def __exit__(self, *_):
        self.clear(images=False)
        self.daemon.__exit__()
        remove_below(self.directory)


PEERS = {engine.name: engine for engine in (Podman, Docker)}

# What no two engines, or no two runs, have in common.
NORMAL = [
    (r"sha256:[0-9a-f]{64}", "<id>"),
    (r"\b[0-9a-f]{64}\b", "<id>"),
    (r"\b[0-9a-f]{12}\b", "<id>"),
    (r"\b(localhost|docker\.io/library)/", ""),
    (r"\b20[0-9-]{8}[T ][0-9:]{8}(\.\d+)?(Z| ?[+-]\d\d:?\d\d( \w+)?)", "<time>"),
    (r"(\bLess than a second|\bAbout an? \w+|\b\d+ (second|minute)s?)", "<while>"),
    (r"[ \t]{2,}", "  "),
    (r"[ \t]+$", ""),
]


def normal(text):
    """A text with what differs anyway replaced."""
    for pattern, replacement in NORMAL:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text

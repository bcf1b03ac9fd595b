"""The images that all engines begin with, as one archive of "docker save"."""

import io
import json
import tarfile

import builders
import trees

MORE_APPLETS = "df ip kill mount nproc ps stty tty umask".split()
SECOND = 1_000_000_000

# Each has the same layer; what it differs in is its config.
CONFIGS = {
    "base": {"Cmd": ["sh"]},
    "entry": {"Entrypoint": ["echo", "entry"], "Cmd": ["default", "words"]},
    "shell": {"Entrypoint": ["/bin/sh", "-c"], "Cmd": ["echo shell; exit 4"]},
    "nothing": {},
    "user": {"Cmd": ["id"], "User": "app", "WorkingDir": "/srv/full"},
    "stop": {"Cmd": ["sh"], "StopSignal": "SIGUSR1"},
    "volume": {"Cmd": ["sh"], "Volumes": {"/srv/full": {}, "/data": {}}},
    "health": {"Cmd": ["sleep", "1000"], "Healthcheck": {
        "Test": ["CMD-SHELL", "test -e /tmp/well"], "Interval": SECOND // 2,
        "Timeout": 2 * SECOND, "Retries": 2}},
    "full": {
        "Cmd": ["sh", "-c", "env"], "Env": ["PATH=/bin:/usr/bin", "A=image", "B=two words", "C="],
        "User": "1000:50", "WorkingDir": "/home/app", "StopSignal": "SIGINT",
        "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
        "Labels": {"role": "image", "org.example.title": "full"}},
}


def write(path):
    """Writes them all as one archive."""
    layer = builders.base_layer(
        builders.static_busybox(), sorted({*builders.APPLETS, *MORE_APPLETS}))
    with tarfile.open(path, "w") as archive:
        def add(name, data):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))

        manifest = []
        for name, own in CONFIGS.items():
            config = json.dumps({
                "architecture": builders.architecture(), "os": "linux",
                "created": "2000-01-01T00:00:00Z", "config": {"Env": ["PATH=/bin:/usr/bin"], **own},
                "rootfs": {"type": "layers", "diff_ids": ["sha256:" + trees.digest_of(layer)]},
                "history": [{"created": "2000-01-01T00:00:00Z", "created_by": "made of busybox"}],
            }).encode()
            file = trees.digest_of(config) + ".json"
            add(file, config)
            manifest.append(
                {"Config": file, "RepoTags": [name + ":latest"], "Layers": ["layer/layer.tar"]})
        add("layer/layer.tar", layer)
        add("manifest.json", json.dumps(manifest).encode())

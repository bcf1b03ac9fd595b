"""Four projects that `bench` builds: their sources, fetched once, and their Dockerfiles.

What they stand on, a Debian with a compiler and Python, is made once from the base. Nothing of it needs the
network when it is built.
"""

import os
import shutil
import subprocess

PACKAGES = "gcc libc6-dev make python3-venv"
SOURCES = {"hello": "hello", "lua": "lua5.4", "zlib": "zlib"}
WHEELS = "flask==3.0.3 requests==2.32.3 sqlalchemy==2.0.36 pyyaml==6.0.2"

AUTOTOOLS = """FROM tools
WORKDIR /src
COPY hello .
RUN ./configure --quiet --prefix=/usr/local
RUN make --silent
RUN make --silent install
CMD ["hello"]
"""

PYTHON = """FROM tools
ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin
RUN python3 -m venv /opt/venv
WORKDIR /app
COPY requirements.txt .
COPY wheels /wheels
RUN pip install --quiet --no-index --find-links /wheels -r requirements.txt
COPY app app
RUN python -m compileall -q app && python -c 'import app.main'
CMD ["python", "-m", "app.main"]
"""

STAGES = """FROM tools AS lua
WORKDIR /lua
COPY lua .
RUN make --silent linux
RUN make --silent install INSTALL_TOP=/out

FROM tools AS zlib
WORKDIR /zlib
COPY zlib .
RUN ./configure --prefix=/out > /dev/null && make --silent libz.a
RUN make --silent install

FROM base
COPY --from=zlib /out/include /usr/local/include
COPY --from=zlib /out/lib /usr/local/lib
COPY --from=lua /out/bin /usr/local/bin
COPY --from=lua /out/lib /usr/local/lib
RUN lua -v
"""

SCRIPTS = 25


def hundred_steps():
    lines = ["FROM base"]
    for index in range(SCRIPTS):
        lines += [
            f"ENV PART{index}=value{index}", f"WORKDIR /parts/{index}", f"COPY parts/{index}.sh run.sh",
            f"RUN sh ./run.sh > result && echo $PART{index} >> result",
        ]
    return "\n".join(lines) + "\n"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as file:
        file.write(text)


class Fetched:
    """What the projects are made of, kept in a directory from one run to the next."""

    def __init__(self, directory, base):
        self.directory = directory
        self.tools = os.path.join(directory, "tools.tar")
        if not os.path.exists(self.tools):
            shutil.rmtree(directory, ignore_errors=True)
            self.fetch(base)

    def fetch(self, base):
        root = os.path.join(self.directory, "root")
        os.makedirs(root)

        def run(*words):
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)

        def inside(script):
            run("unshare", "--mount", "--propagation", "private", "sh", "-ec",
                'mount --bind /dev "$0/dev"; mount -t proc proc "$0/proc"; '
                'exec chroot "$0" env -i DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin '
                'sh -ec "$1"', root, script)

        run("tar", "-C", root, "-xpf", base)
        shutil.copyfile("/etc/resolv.conf", root + "/etc/resolv.conf")
        inside(f"apt-get -qq update; apt-get -qq -y --no-install-recommends install {PACKAGES}; apt-get clean")
        run("tar", "-C", root, "--numeric-owner", "--exclude=./var/lib/apt/lists/*", "-cf",
            self.tools + ".part", ".")
        inside("sed -n 's/^deb /deb-src /p' /etc/apt/sources.list > /etc/apt/sources.list.d/sources.list; "
               "apt-get -qq update; apt-get -qq -y --no-install-recommends install dpkg-dev; "
               "mkdir -p /fetched && cd /fetched; "
               "apt-get -qq -o APT::Sandbox::User=root source --download-only "
               f"{' '.join(SOURCES.values())}; "
               # As their authors give them: what Debian changes is for its own way of building.
               "for source in *.dsc; do dpkg-source --skip-patches -x $source; done")
        for name, package in SOURCES.items():
            found = [entry for entry in os.listdir(root + "/fetched")
                     if entry.startswith(package + "-") and os.path.isdir(f"{root}/fetched/{entry}")]
            shutil.move(f"{root}/fetched/{found[0]}", os.path.join(self.directory, name))
        # For Debian 12's Python.
        run("python3", "-m", "pip", "download", "-q", "--only-binary=:all:", "--python-version=3.11",
            "--platform=manylinux2014_x86_64", "-d", os.path.join(self.directory, "wheels"), *WHEELS.split())
        shutil.rmtree(root)
        os.rename(self.tools + ".part", self.tools)

    def copy(self, name, context):
        shutil.copytree(os.path.join(self.directory, name), os.path.join(context, name), symlinks=True)


class ProjectSource:
    """A project's context, and the one file that is changed of it."""

    def __init__(self, dockerfile, changed, change):
        self.dockerfile, self.changed, self.change = dockerfile, changed, change

    def fill(self, context, fetched):
        write(context + "/Dockerfile", self.dockerfile)

    def alter(self, context):
        with open(os.path.join(context, self.changed), "a") as file:
            file.write(self.change)


class Autotools(ProjectSource):
    def __init__(self):
        super().__init__(AUTOTOOLS, "hello/src/hello.c", "\n/* changed */\n")

    def fill(self, context, fetched):
        super().fill(context, fetched)
        fetched.copy("hello", context)


class Python(ProjectSource):
    def __init__(self):
        super().__init__(PYTHON, "app/main.py", "\n# changed\n")

    def fill(self, context, fetched):
        super().fill(context, fetched)
        fetched.copy("wheels", context)
        write(context + "/requirements.txt", WHEELS.replace(" ", "\n") + "\n")
        write(context + "/app/__init__.py", "")
        write(context + "/app/main.py",
              "import flask, requests, sqlalchemy, yaml\napplication = flask.Flask('app')\n")
        for index in range(200):
            write(f"{context}/app/part{index}.py", f"def answer():\n    return {index}\n")


class Stages(ProjectSource):
    def __init__(self):
        super().__init__(STAGES, "lua/src/lua.c", "\n/* changed */\n")

    def fill(self, context, fetched):
        super().fill(context, fetched)
        fetched.copy("lua", context)
        fetched.copy("zlib", context)


class HundredSteps(ProjectSource):
    def __init__(self):
        super().__init__(hundred_steps(), f"parts/{SCRIPTS // 2}.sh", "echo changed\n")

    def fill(self, context, fetched):
        super().fill(context, fetched)
        for index in range(SCRIPTS):
            write(f"{context}/parts/{index}.sh", f"echo part {index}\n")


PROJECTS = {
    "autotools": Autotools(), "python": Python(), "stages": Stages(), "steps": HundredSteps(),
}

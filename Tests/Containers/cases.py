"""Reads the cases."""

import os

MARKS = {"$": "output", "?": "code", "&": "prepares", "%": "output"}


class CaseError(Exception):
    """A case that cannot be read."""


class Step:
    """One line of a case: what is run, and what of it is compared."""

    def __init__(self, mark, text):
        self.kind = MARKS[mark]
        self.text = text
        self.script = text if mark == "%" else "e " + text
        self.peers, self.reason = None, None


class Case:
    def __init__(self, topic, name):
        self.topic, self.name = topic, name
        self.steps = []
        self.peers, self.reason = None, None
        self.images = False


def read_file(path):
    """The cases of a file."""
    topic = os.path.splitext(os.path.basename(path))[0]
    cases, case, pending, held = [], None, None, ""

    def fail(number, problem):
        raise CaseError(f"{path}:{number}: {problem}")

    with open(path) as file:
        for number, line in enumerate(file, 1):
            line = held + line.rstrip("\n")
            held = ""
            if line.endswith("\\"):
                held = line[:-1]
                continue
            if not line or line.startswith("#"):
                continue
            if line.startswith("=== "):
                case = Case(topic, line[4:])
                cases.append(case)
            elif case is None:
                fail(number, "it belongs to no case")
            elif line.startswith("@"):
                word, _, rest = line[1:].partition(" ")
                if word not in ("peers", "only"):
                    fail(number, f"there is no @{word}")
                peers, colon, reason = rest.partition(":")
                if not colon or not reason.strip():
                    fail(number, f"@{word} needs a reason")
                if word == "peers":
                    case.peers, case.reason = peers.split(), reason.strip()
                else:
                    pending = peers.split(), reason.strip()
            elif line[0] in MARKS and line[1:2] == " ":
                step = Step(line[0], line[2:])
                if pending:
                    step.peers, step.reason = pending
                    pending = None
                case.steps.append(step)
            else:
                fail(number, f"a line begins with one of {' '.join(MARKS)}, @ or ===")
    for case in cases:
        words = " ".join(step.text for step in case.steps).split()
        case.images = not {"commit", "import", "tag", "load", "build"}.isdisjoint(words)
    return cases


def read_cases(directory):
    """All cases, in the order of their files."""
    cases = []
    for name in sorted(os.listdir(directory)):
        if name.endswith(".txt"):
            cases += read_file(os.path.join(directory, name))
    seen = set()
    for case in cases:
        if case.name in seen:
            raise CaseError(f"two cases are named {case.name}")
        seen.add(case.name)
    return cases

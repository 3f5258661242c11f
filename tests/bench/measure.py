"""What the measuring scripts share: a control plane with its audit log, a measured program, and figures of processes."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time


class Wrong(Exception):
    """A count or a content is not what it must be."""


def wait_for(what, holds, seconds=120, pause=0.02):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise Wrong(f"it took more than {seconds} s until {what}")
        time.sleep(pause)


def cpu_seconds(pid):
    """User and system time of all threads, in nanoseconds' resolution."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total / 1e9


def memory(pid, field):
    """VmRSS, VmHWM, RssAnon or RssFile in MiB."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) / 1024
    raise KeyError(field)


def connections(pid):
    """The number of established TCP connections that the process holds."""
    held = set()
    for file in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(file)
        except FileNotFoundError:
            continue
        if target.startswith("socket:["):
            held.add(target[len("socket:["):-1])
    established = 0
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            established += fields[3] == "01" and fields[9] in held
    return established


def stamp(text):
    """Seconds since the epoch of an RFC 3339 time with microseconds."""
    head, _, fraction = text.rstrip("Z").partition(".")
    seconds = time.mktime(time.strptime(head + "UTC", "%Y-%m-%dT%H:%M:%S%Z")) - time.timezone
    return seconds + float("0." + (fraction or "0"))


class Plane:
    """etcd, kube-apiserver and kube-controller-manager, with a kubeconfig for each of the users."""

    def __init__(self, programs, *users):
        self.folder = tempfile.TemporaryDirectory()
        ready = pathlib.Path(self.folder.name) / "plane.env"
        self.process = subprocess.Popen([programs / "control-plane", ready, *users])
        try:
            wait_for("the control plane is ready", lambda: ready.exists() or self.process.poll() is not None)
            if not ready.exists():
                raise Wrong("the control plane did not start")
            self.variables = dict(line.split("=", 1) for line in ready.read_text().splitlines())
            self.cluster = pathlib.Path(self.variables["CLUSTER"])
            self.environment = {**os.environ, "KUBECONFIG": self.variables["KUBECONFIG"]}
            self.audit_log = open(self.cluster / "audit.log", "rb")
        except BaseException:
            self.end()
            raise
        self.unread = []
        self.entries = []
        self.pids = {}
        for process in pathlib.Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                parent = int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
                if parent == self.process.pid:
                    self.pids[(process / "comm").read_text().strip()] = int(process.name)
            except (FileNotFoundError, ProcessLookupError):
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.audit_log.close()
        self.end()

    def end(self):
        self.process.terminate()
        self.process.wait(60)
        self.folder.cleanup()

    def kubectl(self, *arguments):
        done = subprocess.run([self.variables["KUBECTL"], *map(str, arguments)], env=self.environment,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Wrong(f"kubectl {arguments}: {done.stderr}")
        return done.stdout

    def server_cpu(self):
        return sum(cpu_seconds(pid) for name, pid in self.pids.items() if name in ("kube-apiserver", "etcd"))

    def more(self):
        """What the audit log got since, as bytes. Nothing is parsed until new_entries()."""
        more = self.audit_log.read()
        self.unread.append(more)
        return more

    def new_entries(self, mark=b"{"):
        """The parsed entries since the last call that contain the mark."""
        self.more()
        lines = b"".join(self.unread).split(b"\n")
        self.unread = [lines.pop()]
        return [json.loads(line) for line in lines if mark in line]

    def audit(self, agent):
        """The client's requests so far."""
        self.entries += self.new_entries()
        return [entry for entry in self.entries if entry.get("userAgent", "").startswith(agent + "/")]

    def wait_for_writes(self, agent, count):
        """Waits until the client's writes are in the audit log. Parsing would take CPU from the measured program, so
        entries are only counted until there are enough."""
        mark = f'"userAgent":"{agent}/'.encode()
        entries, end = 0, b""

        def may_be_enough():
            nonlocal entries, end
            more = self.more()
            entries += (end + more).count(mark)
            end = (end + more)[1 - len(mark):]
            return entries >= count

        wait_for(f"{agent} has written", may_be_enough, 600, 0.1)
        wait_for(f"{agent} has written everything", lambda: len(writes(self.audit(agent))) >= count, 60)


def completed(entries):
    return [entry for entry in entries if entry["stage"] == "ResponseComplete"]


def writes(entries):
    return [entry for entry in completed(entries) if entry["verb"] in ("create", "update", "patch", "delete")]


def counts(entries):
    failed = [entry for entry in entries if entry["responseStatus"]["code"] >= 400]
    return {"writes": len(writes(entries)), "failed": len(failed),
            "gets": len([entry for entry in entries if entry["verb"] == "get"]),
            "others": len([entry for entry in entries if entry["verb"] not in ("list", "watch")])}


def per_second(entries):
    times = [stamp(entry["requestReceivedTimestamp"]) for entry in entries]
    ends = [stamp(entry["stageTimestamp"]) for entry in entries]
    return len(entries) / 2 / (max(ends) - min(times))


class Program:
    """A measured program. Its log is in the control plane's folder."""

    def __init__(self, plane, program, *flags):
        self.name = program.name
        self.path = pathlib.Path(plane.folder.name) / f"operator-{time.monotonic_ns()}.log"
        self.log = open(self.path, "w+", encoding="utf-8")
        self.began = time.monotonic()
        self.process = subprocess.Popen([program, *map(str, flags)], env=plane.environment, stderr=self.log)
        self.pid = self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self, seconds=10):
        """Returns the seconds from SIGTERM to the end."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Wrong(f"{self.name} did not end in {seconds} s") from None
        if code != 0:
            raise Wrong(f"{self.name} ended with {code}")
        return time.monotonic() - began

    def quiet(self, calm=1.0):
        """Returns the seconds from the program's start until it became calm."""
        last, changed = -1.0, time.monotonic()
        while time.monotonic() - changed < calm:
            time.sleep(0.002)
            now = cpu_seconds(self.pid)
            if now - last > 0.0005:
                last, changed = now, time.monotonic()
        return changed - self.began

#!/usr/bin/env python3
"""Keeps widget-operator under load for long on a real control plane, with the incidents of the field.

    soak.py --bin build/release/bin [--n 10000] [--seconds 600]

load      1% of the Widgets is edited every second: memory stays flat, nothing fails, edits are handled soon
burst     every Widget is edited while the operator is stopped (SIGSTOP), so that all events come at once
restarts  the API server is killed and started three times while edits go on
clock     the operator's wall clock steps an hour forth and back (libfaketime); its deadlines are monotonic

Afterwards every ConfigMap and every status is compared. Exit code 1 if something is wrong.
"""

import argparse
import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import bench
import measure
from measure import Wrong, wait_for

FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
AGENT = "widget-operator"


def say(text):
    print(text, flush=True)


class Soak:
    def __init__(self, programs, plane, count):
        self.programs, self.plane, self.count = programs, plane, count
        self.round = 0

    def start(self, **variables):
        self.plane.environment.update(variables)
        operator = bench.Operator(self.programs, self.plane)
        for name in variables:
            del self.plane.environment[name]
        return operator

    def edit(self, rate, seconds=1, check=True):
        """Starts a process that edits that many Widgets a second, each time to a new content; returns it."""
        self.round += 1
        command = [self.programs / "raw-writer", "edit", "--rate", rate, "--seconds", seconds, "--round", self.round]
        return subprocess.Popen([str(word) for word in command], env=self.plane.environment, stdout=subprocess.DEVNULL,
                                stderr=None if check else subprocess.DEVNULL)

    def settled(self, operator, seconds=120):
        """Waits until every ConfigMap and every status is right and the operator is calm."""
        def right():
            try:
                self.plane.check(self.count)
                return True
            except (Wrong, KeyError):
                return False
        wait_for("everything is as it should be", right, seconds, 0.5)
        operator.quiet()

    def load(self, operator, seconds):
        rate = max(self.count // 100, 1)
        self.plane.audit(AGENT)
        seen = len(self.plane.entries)
        editing = self.edit(rate, seconds)
        memory = []
        while editing.poll() is None:
            memory.append(measure.memory(operator.pid, "VmRSS"))
            time.sleep(0.5)
        if editing.returncode != 0:
            raise Wrong("an edit failed")
        self.settled(operator)
        own = self.plane.audit(AGENT)
        entries = self.plane.entries[seen:]
        numbers = measure.counts([entry for entry in entries if entry.get("userAgent", "").startswith(AGENT + "/")])
        ages = self.ages(entries)
        fifth = max(len(memory) // 5, 1)
        peaks = [max(memory[at:at + fifth]) for at in range(0, fifth * 5, fifth) if memory[at:at + fifth]]
        say(f"load: {self.count} widgets, {rate} edits a second for {seconds} s: {len(ages)} edits, "
            f"{numbers['writes']} writes, {numbers['failed']} failed, {numbers['gets']} GETs")
        say("  RSS in MiB, the most in each fifth of the time: " + " ".join(f"{peak:.1f}" for peak in peaks))
        say(f"  from an edit to the first write that it causes, ms: p50 {ages[len(ages) // 2]:.1f}, "
            f"p99 {ages[len(ages) * 99 // 100]:.1f}, most {ages[-1]:.1f}")
        if numbers["failed"] or numbers["gets"] or numbers["writes"] > 2 * len(ages):
            raise Wrong("requests failed, or there are more of them than two an edit")
        if peaks[-1] > peaks[0] * 1.05 + 1:
            raise Wrong(f"memory grows: {peaks}")
        return own

    @staticmethod
    def ages(entries):
        """The age of each edit, in ms and sorted, when the operator asked for the first write that follows from it. It
        is an upper bound of the queue's age, because it includes the event's way and the decision."""
        writes = collections.defaultdict(list)
        for entry in measure.writes(entries):
            if entry["userAgent"].startswith(AGENT + "/") and entry["objectRef"]["resource"] == "configmaps":
                writes[entry["objectRef"]["name"]].append(measure.stamp(entry["requestReceivedTimestamp"]))
        ages = []
        for entry in measure.writes(entries):
            if not entry["userAgent"].startswith("raw-writer/"):
                continue
            edited = measure.stamp(entry["requestReceivedTimestamp"])
            after = [at for at in writes[entry["objectRef"]["name"]] if at >= edited]
            if after:
                ages.append(max(after[0] - measure.stamp(entry["stageTimestamp"]), 0) * 1000)
        return sorted(ages)

    def burst(self, operator):
        seen = len(self.plane.audit(AGENT))
        operator.process.send_signal(signal.SIGSTOP)
        seconds = 10 if self.count >= 1000 else 1
        code = self.edit(self.count // seconds, seconds).wait()
        operator.process.send_signal(signal.SIGCONT)
        began = time.monotonic()
        if code != 0:
            raise Wrong("an edit failed")
        wait_for("all edits are followed", lambda: len(measure.writes(self.plane.audit(AGENT)[seen:])) >= 2 * self.count,
                 600, 0.2)
        took = time.monotonic() - began
        self.settled(operator)
        numbers = measure.counts(self.plane.audit(AGENT)[seen:])
        say(f"burst: {self.count} events at once: {took:.1f} s, {numbers['writes']} writes, {numbers['failed']} failed, "
            f"RSS {measure.memory(operator.pid, 'VmRSS'):.1f} MiB")
        if numbers["failed"] or numbers["writes"] != 2 * self.count:
            raise Wrong(f"two writes an edit are right, and none that fails: {numbers}")

    def restarts(self, operator):
        for _ in range(3):
            editing = self.edit(max(self.count // 100, 1), 3, check=False)
            time.sleep(0.5)
            self.plane.process.send_signal(signal.SIGHUP)
            editing.wait()  # its own requests may fail
            self.ready()
            if self.edit(max(self.count // 100, 1)).wait() != 0:
                raise Wrong("the API server did not come back")
            began = time.monotonic()
            self.settled(operator, 60)
            say(f"restart of the API server: all is right {time.monotonic() - began:.1f} s after the last edit")

    def ready(self):
        def answers():
            try:
                return self.plane.kubectl("get", "--raw", "/readyz") == "ok"
            except Wrong:
                return False
        time.sleep(0.2)
        wait_for("the API server is ready", answers, 60, 0.2)

    def clock(self):
        with tempfile.TemporaryDirectory() as folder:
            offset = pathlib.Path(folder) / "offset"
            offset.write_text("+0", encoding="utf-8")
            with self.start(LD_PRELOAD=FAKETIME, FAKETIME_TIMESTAMP_FILE=str(offset), FAKETIME_NO_CACHE="1",
                            FAKETIME_DONT_FAKE_MONOTONIC="1") as operator:
                operator.quiet()
                for step in ("+3600s", "+0", "-3600s", "+0"):
                    (offset.with_suffix(".new")).write_text(step, encoding="utf-8")
                    os.replace(offset.with_suffix(".new"), offset)
                    if self.edit(max(self.count // 100, 1)).wait() != 0:
                        raise Wrong("an edit failed")
                    began = time.monotonic()
                    self.settled(operator, 30)
                    say(f"clock at {step}: all is right {time.monotonic() - began:.1f} s after the last edit")
                operator.stop()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bin", type=lambda text: pathlib.Path(text).resolve(), required=True)
    arguments.add_argument("--n", type=int, default=10000)
    arguments.add_argument("--seconds", type=int, default=600)
    given = arguments.parse_args()
    with bench.Plane(given.bin) as plane:
        soak = Soak(given.bin, plane, given.n)
        subprocess.run([given.bin / "raw-writer", "create", str(given.n)], env=plane.environment, check=True)
        with soak.start() as operator:
            soak.settled(operator, 600)
            soak.load(operator, given.seconds)
            soak.burst(operator)
            soak.restarts(operator)
            operator.stop()
        if os.path.exists(FAKETIME):
            soak.clock()
        else:
            raise Wrong(f"{FAKETIME} is missing: install the package faketime")
    say("everything was as it should be")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as wrong:
        print(f"soak: {wrong}", file=sys.stderr)
        sys.exit(1)

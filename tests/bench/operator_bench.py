#!/usr/bin/env python3
"""Measures mpay-operator with N complete forms on a real control plane, a fresh one for each N and variant.

    operator_bench.py --bin build/release/bin [--n 1000,10000] [--variant ref,inline] [--out FILE] [--no-floor]
    operator_bench.py --bin build/release/bin --judge 100 [--variant ref,inline]

Prints a table, and a JSON line for each phase to FILE. With --judge it runs no floor and compares counts with LIMITS.
Exit code 1 if a count is above its limit, or if the forms do not reach what they must. docs/performance.md says what
each row means.
"""

import argparse
import collections
import json
import pathlib
import resource
import signal
import statistics
import sys
import time

import bench
import measure
from measure import Wrong, connections, cpu_seconds, memory, stamp, wait_for
from onboarding_world import FORMS, OPERATOR, GatewayWatch, World, address

PATIENCE = 60  # seconds for a phase, and a third of a second more for each form
CHANGES = 5
WRITES = ("create", "update", "patch", "delete")
VARIANTS = ("ref", "inline")

MARK = f'"username":"{OPERATOR}"'.encode()

# The most that --judge lets pass: writes for each integration, by phase, or a pair of a constant and a number for each.
# A write that is not listed is a fault. Objects that belong to one integration are exact. Aggregates, statuses and
# Events depend on how many changes the operator sees at once.
LIMITS = {
    "create to testing": {
        "create configmaps": 4, "create events": 2, "patch mpayintegrations": 1, "patch mpayintegrations/status": 2,
        "update configmaps": (15, 0.2), "patch mpayenvironments/status": (8, 0.1)},
    # At most one status for each of the three records and one for the promotion.
    "testing to production": {
        "create configmaps": 2, "create controllerrevisions": 1, "create events": 4, "patch mpayintegrations/status": 4,
        "update configmaps": (15, 0.2), "patch mpayenvironments/status": (8, 0.1)},
    "one address": {"update configmaps": 5, "patch mpayintegrations/status": 1},
    "idle": {},
    "restart": {},
    "resync": {},
    "deletion of a tenth": {
        "create configmaps": 1, "delete configmaps": 7, "delete controllerrevisions": 1, "patch mpayintegrations": 2,
        "update configmaps": (10, 1), "patch mpayenvironments/status": (5, 0.5)},
}
# Figures of all N together: a constant, and a number for each ConfigMap that the forms refer to.
LIMITS_OF_ALL = {
    "idle": {"requests_but_watches": (0, 0), "connections": (40, 1)},
    "restart": {"requests_but_lists_and_watches": (0, 0), "lists": (20, 1), "watches": (20, 1), "answers_429": (0, 0),
                "connections": (40, 1)},
    "resync": {"requests_but_watches": (0, 0)},
}

started = time.monotonic()


def say(text):
    print(f"[{time.monotonic() - started:6.0f} s] {text}", file=sys.stderr, flush=True)


class NotQuiet(Wrong):
    """The operator goes on working."""


class Run:
    """One N and one variant."""

    def __init__(self, world, out):
        self.world, self.out = world, out
        self.results = {}
        self.extra = {}  # a phase's own figures
        self.server_at_calm = 0  # the server's CPU when the operator was found quiet, before the forms are looked at
        self.operator = None
        self.patience = PATIENCE + world.count / 3

    def start(self, *flags):
        """Starts the operator. Its timer of a resync begins now."""
        self.operator = measure.Program(self.world, self.world.programs / "mpay-operator", "--kubeconfig",
                                        self.world.kubeconfig, "--no-leader-election", *flags)
        wait_for("the operator's caches are filled", lambda: "caches are filled" in self.operator.path.read_text(),
                 self.patience, 0.01)
        self.filled = time.monotonic()

    def quiet(self, patience=None, calm=2.0):
        """Returns the monotonic time at which the operator became quiet: from then on, for `calm` seconds, it made no
        request but watches and used less than a twentieth of a core, for 10,000 forms a quarter (thousands of open
        watches alone use some)."""
        patience = patience or self.patience
        busy = 0.05 + self.world.count / 50000
        watch = b'"verb":"watch"'
        end = time.monotonic() + patience
        calm_since, used, told = time.monotonic(), cpu_seconds(self.operator.pid), time.monotonic()
        requests = 0
        while True:
            time.sleep(0.05)
            if self.operator.process.poll() is not None:
                raise Wrong(f"the operator ended:\n{self.operator.path.read_text()[-3000:]}")
            now = time.monotonic()
            asked = sum(1 for line in self.world.more().splitlines() if MARK in line and watch not in line)
            requests += asked
            spent = cpu_seconds(self.operator.pid)
            # A short burst of a hundredth of a second is let pass.
            if asked or spent - used > busy * max(now - calm_since, 0.2):
                calm_since, used = now, spent
            elif now - calm_since > calm:
                self.server_at_calm = self.world.server_cpu()
                return calm_since
            if now > end:
                raise NotQuiet(f"the operator is not quiet after {patience:.0f} s")
            if now - told > 30:
                say(f"    {requests} requests so far")
                told = now

    def until(self, states):
        """Waits until the operator is quiet and the forms are in these states."""
        end = time.monotonic() + self.patience
        while True:
            calm = self.quiet()
            found = self.world.states()
            if found == states:
                return calm
            if time.monotonic() > end:
                log = self.operator.path.read_text()[-3000:]
                raise Wrong(f"there are {dict(found)}, where {states} are right\n{log}")

    def phase(self, name, work, each=None, fresh=False):
        """Does the work, which returns when it became quiet or None, and notes what it cost. Figures are divided by
        `each`. With `fresh` the work starts the operator itself."""
        each = each or self.world.count
        self.world.new_entries(MARK)
        server = self.world.server_cpu()
        own = 0 if fresh else cpu_seconds(self.operator.pid)
        began, wall = time.monotonic(), time.time()
        calm = work()
        took = (calm or time.monotonic()) - began
        own, own_until = cpu_seconds(self.operator.pid) - own, time.monotonic()
        server = (self.server_at_calm if calm else self.world.server_cpu()) - server
        figures = self.requests(wall) | {
            "n": self.world.count, "variant": self.world.variant, "phase": name, "integrations": each, "seconds": took,
            "own_cpu_s": own, "own_cpu_during_s": own_until - began, "own_cpu_ms_each": own / each * 1000,
            "server_cpu_ms_each": server / each * 1000,
            "rss_mib": memory(self.operator.pid, "VmRSS"), "rss_anon_mib": memory(self.operator.pid, "RssAnon"),
            "rss_peak_mib": memory(self.operator.pid, "VmHWM"), "connections": connections(self.operator.pid)}
        for figure in ("writes", "form_writes", "events"):
            figures[f"{figure}_each"] = figures[figure] / each
        figures |= self.extra
        self.extra = {}
        self.note(name, figures)
        say(f"  {name}: {took:.1f} s, own CPU {own:.2f} s, {figures['writes']} writes, {figures['events']} Events, "
            f"{figures['answers_429']} answers 429, {figures['rss_mib']:.0f} MiB, {figures['connections']} connections")
        return figures

    def note(self, name, figures):
        self.results[name] = figures
        if self.out:
            with self.out.open("a", encoding="utf-8") as out:
                out.write(json.dumps(figures) + "\n")

    def requests(self, began):
        """Counts of the operator's requests, from the audit log."""
        entries = self.world.new_entries(MARK)
        kinds, failures = collections.Counter(), collections.Counter()
        counts = collections.Counter()
        last = began
        for entry in entries:
            of = entry.get("objectRef", {})
            code = entry.get("responseStatus", {}).get("code", 0)
            # A watch is noted when it begins, and when it ends or is refused.
            if entry["verb"] == "watch" and entry["stage"] == "ResponseComplete" and code < 400:
                continue
            kind = "/".join(filter(None, (of.get("resource", entry["requestURI"].split("?")[0]), of.get("subresource"))))
            kinds[f"{entry['verb']} {kind}"] += 1
            counts["answers_429"] += code == 429
            if code >= 400:
                failures[f"{entry['verb']} {kind} {code}"] += 1
            counts["lists"] += entry["verb"] == "list"
            counts["watches"] += entry["verb"] == "watch"
            if entry["verb"] in WRITES:
                last = max(last, stamp(entry["stageTimestamp"]))
                counts["writes"] += 1
                counts["events"] += of.get("resource") == "events"
                counts["form_writes"] += of.get("resource") == "mpayintegrations"
        named = ("writes", "form_writes", "events", "answers_429", "lists", "watches")
        return {name: counts[name] for name in named} | {
            "requests_but_watches": kinds.total() - counts["watches"],
            "requests_but_lists_and_watches": kinds.total() - counts["lists"] - counts["watches"],
            "requests": dict(sorted(kinds.items())), "failed": dict(sorted(failures.items())), "seconds_to_last_write": last - began}

    def stop(self, name):
        took = self.operator.stop(120)
        self.note(name, {"n": self.world.count, "variant": self.world.variant, "phase": name, "seconds": took})
        say(f"  {name}: {took:.2f} s")

    # ---- the phases ----------------------------------------------------------------------------------------------

    def to_testing(self):
        self.world.create_forms()
        return self.until({"Testing": self.world.count})

    def to_production(self):
        self.world.record_all()
        return self.until({"Production": self.world.count})

    def change(self):
        """Changes one address in the testing environment, several times, each time of another form."""
        watch = GatewayWatch(self.world, "testing")
        times = []
        for change in range(CHANGES):
            number = change * self.world.count // CHANGES
            changed = address(46, 256 * change + 200)
            times.append(watch.measure(changed, lambda: self.world.change_address(number, changed)) * 1000)
            calm = self.quiet()
        self.extra = {"median_ms": statistics.median(times), "worst_ms": max(times), "times_ms": times}
        return calm

    def restart(self):
        self.start()
        try:
            return self.quiet(PATIENCE + self.world.count / 20)
        except NotQuiet as not_quiet:
            self.extra = {"not_quiet": str(not_quiet)}
            return None

    def resync(self, period):
        """Begins half a second before the resync is due."""
        wait_for("half a second after the resync", lambda: time.monotonic() > self.filled + period + 0.5, period)
        return self.quiet()

    def whole(self, idle):
        count = self.world.count
        self.start()
        try:
            self.quiet()
            self.phase("create to testing", self.to_testing)
            self.world.await_policies()
            self.phase("testing to production", self.to_production)
            self.phase("idle", lambda: time.sleep(idle))
            self.phase("one address", self.change, CHANGES)
            self.stop("SIGTERM to exit")
            restart = self.phase("restart", self.restart, fresh=True)
            self.stop("SIGTERM after a restart")
            if "not_quiet" not in restart:
                self.whole_resync(int(2 * restart["seconds"]) + 8)
            self.start()
            self.quiet()
            tenth = range(0, count, 10)
            left = self.world.states()
            self.phase("deletion of a tenth", lambda: self.remove(tenth, sum(left.values()) - len(tenth)), len(tenth))
            self.stop("SIGTERM after a deletion")
        finally:
            self.operator.__exit__()

    def whole_resync(self, period):
        self.start("--resync", period)
        if self.quiet() > self.filled + period - 1:
            raise Wrong(f"the operator was not quiet before the resync, {period} s after its start")
        wait_for("the resync is due", lambda: time.monotonic() > self.filled + period - 0.5, period)
        self.phase("resync", lambda: self.resync(period))
        self.stop("SIGTERM after a resync")

    def remove(self, numbers, left):
        self.world.delete(numbers)
        end = time.monotonic() + self.patience
        while True:
            calm = self.quiet()
            found = sum(1 for _ in self.world.admin.list(FORMS))
            if found == left:
                return calm
            if time.monotonic() > end:
                raise Wrong(f"{found} forms are left, where {left} are right")


def floor(programs, results):
    """The same number of writes by raw-writer with 16 connections: two for each Widget."""
    count = sum(results[phase]["writes"] for phase in ("create to testing", "testing to production"))
    writer = bench.measure_writer(programs, count // 2, 16, 0)
    return {"writes": count, "seconds": count / 2 / writer["per_second"],
            "server_cpu_ms_a_write": writer["server_cpu_ms"] / 2}


# The rows of the table: title, phase, figure, format, the goal for N.
def rows():
    def always(goal):
        return lambda n: goal

    def for_1000(goal):
        return lambda n: goal if n <= 1000 else None

    def memory_goal(n):
        return 40 if n <= 1000 else 200 if n <= 10000 else None

    yield "own CPU, create to testing, ms each", "create to testing", "own_cpu_ms_each", "{:.1f}", always(5)
    yield "own CPU, testing to production, ms each", "testing to production", "own_cpu_ms_each", "{:.1f}", always(5)
    yield "writes, create to testing, each", "create to testing", "writes_each", "{:.2f}", always(6)
    yield "writes, testing to production, each", "testing to production", "writes_each", "{:.2f}", always(4)
    yield "  of the MPayIntegration, create to testing", "create to testing", "form_writes_each", "{:.2f}", always(2)
    yield "  of the MPayIntegration, testing to production", "testing to production", "form_writes_each", "{:.2f}", always(1)
    yield "Events, create to testing, each", "create to testing", "events_each", "{:.2f}", always(1)
    yield "Events, testing to production, each", "testing to production", "events_each", "{:.2f}", always(1)
    yield "RSS in production, MiB", "testing to production", "rss_mib", "{:.0f}", memory_goal
    yield "open connections", "idle", "connections", "{:.0f}", always(40)
    yield "restart: quiet after, s", "restart", "seconds", "{:.2f}", for_1000(1.5)
    yield "  answers 429", "restart", "answers_429", "{:.0f}", always(0)
    yield "  own CPU, s", "restart", "own_cpu_s", "{:.2f}", for_1000(0.6)
    yield "  writes", "restart", "writes", "{:.0f}", always(0)
    yield "  RSS, MiB", "restart", "rss_mib", "{:.0f}", memory_goal
    yield "resync: own CPU, ms each", "resync", "own_cpu_above_idle_ms_each", "{:.3f}", always(0.05)
    yield "  writes", "resync", "writes", "{:.0f}", always(0)
    yield "idle, mCPU", "idle", "mcpu", "{:.2f}", always(0.05)
    yield "one address to the gateway's object, median, ms", "one address", "median_ms", "{:.0f}", always(100)
    yield "  the worst of five", "one address", "worst_ms", "{:.0f}", None
    yield "SIGTERM to exit, the longest, s", "exit", "seconds", "{:.2f}", always(3)
    yield "deletion of a tenth, s", "deletion of a tenth", "seconds", "{:.1f}", None
    yield "  writes, each", "deletion of a tenth", "writes_each", "{:.2f}", None
    yield "create to testing, s", "create to testing", "seconds", "{:.1f}", None
    yield "testing to production, s", "testing to production", "seconds", "{:.1f}", None
    yield "floor: as many writes by raw-writer, s", "floor", "seconds", "{:.1f}", None
    yield "server CPU a write, create to production, ms", "all", "server_cpu_ms_a_write", "{:.2f}", None
    yield "  floor: a write of raw-writer's", "floor", "server_cpu_ms_a_write", "{:.2f}", None


def derived(results):
    """Adds the figures that come from several phases. After a failure some are missing."""
    results = dict(results)
    exits = [figures["seconds"] for phase, figures in results.items() if phase.startswith("SIGTERM")]
    if exits:
        results["exit"] = {"seconds": max(exits)}
    both = [results[phase] for phase in ("create to testing", "testing to production") if phase in results]
    if len(both) == 2:
        cpu = sum(phase["server_cpu_ms_each"] * phase["integrations"] for phase in both)
        results["all"] = {"server_cpu_ms_a_write": cpu / sum(phase["writes"] for phase in both)}
    if "idle" in results:
        results["idle"]["mcpu"] = results["idle"]["own_cpu_s"] / results["idle"]["seconds"] * 1000
    if "resync" in results:
        resync = results["resync"]
        idle = results["idle"]["mcpu"] / 1000 * resync["own_cpu_during_s"]
        resync["own_cpu_above_idle_ms_each"] = max(resync["own_cpu_s"] - idle, 0) / resync["integrations"] * 1000
    return results


def table(n, runs):
    line = "| {:<48} |" + " {:>9} |" * len(runs) + " {:>8} | {:<7} |"
    print(line.format(f"an integration, at N = {n}", *runs, "goal", ""))
    print("|" + "|".join("-" * width for width in (50, *(11 for _ in runs), 10, 9)) + "|")
    for title, phase, figure, form, goal in rows():
        values = [results.get(phase, {}).get(figure) for results in runs.values()]
        if not any(value is not None for value in values):
            continue
        most = goal(n) if goal else None
        met = "" if most is None else "met" if all(value is not None and value <= most for value in values) else "MISSED"
        shown = ["-" if value is None else form.format(value) for value in values]
        print(line.format(title, *shown, "" if most is None else f"<= {most:g}", met))
    print()


def judge(references, results):
    """Returns the counts that are above their limits."""
    faults = []
    for phase, limits in LIMITS.items():
        figures = results[phase]
        for request, limit in limits.items():
            constant, each = limit if isinstance(limit, tuple) else (0, limit)
            found, most = figures["requests"].get(request, 0), constant + each * figures["integrations"]
            if found > most:
                faults.append(f"{phase}: {found} of {request} for {figures['integrations']} integrations, {most:g} are the most")
        for request in figures["requests"]:
            if request.split(" ")[0] in WRITES and request not in limits:
                faults.append(f"{phase}: {request} is not among the limits")
    for phase, limits in LIMITS_OF_ALL.items():
        for figure, (constant, each) in limits.items():
            most = constant + each * references
            if results[phase][figure] > most:
                faults.append(f"{phase}: {figure} {results[phase][figure]}, {most} are the most")
    return faults


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bin", type=lambda text: pathlib.Path(text).resolve(), required=True)
    arguments.add_argument("--n", default="1000,10000")
    arguments.add_argument("--variant", default="ref,inline")
    arguments.add_argument("--idle", type=int, default=20, help="seconds")
    arguments.add_argument("--out", type=pathlib.Path)
    arguments.add_argument("--no-floor", action="store_true")
    arguments.add_argument("--judge", type=int, metavar="N")
    given = arguments.parse_args()
    variants = given.variant.split(",")
    if not set(variants) <= set(VARIANTS):
        arguments.error(f"--variant: {' or '.join(VARIANTS)}")
    # A connection for each certificate may be more than the usual soft limit. The operator inherits this one.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Contexts then end the processes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    faults = []
    for n in [given.judge] if given.judge else [int(n) for n in given.n.split(",")]:
        runs = {}
        for variant in variants:
            say(f"{n} forms, {variant}: certificates, control plane, namespaces")
            with World(given.bin, n, variant) as world:
                run = Run(world, given.out)
                references = world.beneficiaries() + (n if variant == "ref" else 0)
                try:
                    run.whole(2 if given.judge else given.idle)
                except Wrong as wrong:  # the table shows what was measured until then
                    faults.append(f"{n}, {variant}: {wrong}")
            results = run.results
            if "deletion of a tenth" in results and given.judge:
                faults += [f"{variant}: {fault}" for fault in judge(references, results)]
            elif "testing to production" in results and not given.no_floor:
                run.note("floor", {"n": n, "variant": variant, "phase": "floor"} | floor(given.bin, results))
            runs[variant] = derived(results)
        table(n, runs)
    for fault in faults:
        print(f"operator_bench: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as wrong:
        print(f"operator_bench: {wrong}", file=sys.stderr)
        sys.exit(1)

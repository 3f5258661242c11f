#!/usr/bin/env python3
"""Measures widget-operator beside raw-writer on a real control plane, a fresh one for each run.

    bench.py --bin build/release/bin [--n 1000,10000] [--repeat 5] [--out FILE] [--short]

Prints a table, and a JSON line for each run to FILE. Counts are always judged; with --short nothing else is, so that
a busy machine cannot fail it. Exit code 1 if a count is wrong.
"""

import argparse
import hashlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import measure
from measure import Wrong, completed, counts, cpu_seconds, memory, per_second, stamp, wait_for, writes


class Plane(measure.Plane):
    """A control plane with the Widget definition installed."""

    def __init__(self, programs):
        super().__init__(programs)
        self.kubectl("apply", "-f", pathlib.Path(__file__).with_name("widget-crd.yaml"))
        self.kubectl("wait", "--for=condition=Established", "crd/widgets.bench.example.com", "--timeout=30s")
        self.kubectl("create", "namespace", "bench")

    def check(self, count):
        """Compares every ConfigMap and every status byte by byte."""
        widgets = json.loads(self.kubectl("get", "--raw", "/apis/bench.example.com/v1alpha1/namespaces/bench/widgets"))
        maps = json.loads(self.kubectl("get", "--raw", "/api/v1/namespaces/bench/configmaps"))
        outputs = {item["metadata"]["name"]: item for item in maps["items"]}
        if len(widgets["items"]) != count:
            raise Wrong(f"there are {len(widgets['items'])} widgets, not {count}")
        for widget in widgets["items"]:
            meta = widget["metadata"]
            spec = json.dumps(widget["spec"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            digest = hashlib.sha256(spec.encode()).hexdigest()
            output = outputs[meta["name"]]
            owner = output["metadata"]["ownerReferences"][0]
            status = widget["status"]
            condition = dict(status["conditions"][0])
            condition.pop("lastTransitionTime")
            expected = {"type": "Ready", "status": "True", "reason": "Done", "message": "provisioned",
                        "observedGeneration": meta["generation"]}
            if (output["data"] != {"spec": spec, "digest": digest} or owner["uid"] != meta["uid"]
                    or not owner["controller"] or status["digest"] != digest or len(status["conditions"]) != 1
                    or status["observedGeneration"] != meta["generation"] or condition != expected):
                raise Wrong(f"widget {meta['name']} is not as it should be")


class Operator(measure.Program):
    def __init__(self, programs, plane, *flags):
        super().__init__(plane, programs / "widget-operator", *flags)


def latency(programs, plane, count, *flags):
    """Medians in milliseconds: from create to Ready, and the part that the API server's clock saw."""
    done = subprocess.run([programs / "raw-writer", "latency", str(count), *flags], env=plane.environment, check=True,
                          capture_output=True, text=True)
    asked = {}

    def is_whole():
        plane.audit("raw-writer")
        asked.update({(entry["objectRef"]["resource"], entry["verb"], entry["objectRef"].get("name", "")): entry
                      for entry in completed(plane.entries) if "objectRef" in entry})
        return ("widgets", "patch", f"late-{count - 1}") in asked

    wait_for("the audit log is whole", is_whole)
    parts = {"before_output": [], "output": [], "between": [], "status": []}
    for name in (f"late-{number}" for number in range(count)):
        steps = [asked["widgets", "create", name], asked["configmaps", "create", name], asked["widgets", "patch", name]]
        begun = [stamp(step["requestReceivedTimestamp"]) for step in steps]
        ended = [stamp(step["stageTimestamp"]) for step in steps]
        parts["before_output"].append(begun[1] - ended[0])
        parts["output"].append(ended[1] - begun[1])
        parts["between"].append(begun[2] - ended[1])
        parts["status"].append(ended[2] - begun[2])
    return {"ready_p50_ms": json.loads(done.stdout)["p50"],
            "ready_parts_ms": {part: statistics.median(times) * 1000 for part, times in parts.items()}}


def measure_writer(programs, count, connections, latencies):
    with Plane(programs) as plane:
        writer = programs / "raw-writer"
        subprocess.run([writer, "create", str(count)], env=plane.environment, check=True)
        before, seen = plane.server_cpu(), len(plane.audit("raw-writer"))
        subprocess.run([writer, "write", "--connections", str(connections)], env=plane.environment, check=True,
                       stdout=subprocess.DEVNULL)
        result = {"server_cpu_ms": (plane.server_cpu() - before) / count * 1000}
        wait_for("the audit log is whole", lambda: len(writes(plane.audit("raw-writer")[seen:])) == 2 * count)
        result["per_second"] = per_second(writes(plane.audit("raw-writer")[seen:]))
        plane.check(count)
        if latencies:
            result |= latency(programs, plane, latencies, "--pair")
        return result


def measure_operator(programs, count, latencies, idle_seconds):
    agent = "widget-operator"
    with Plane(programs) as plane:
        writer = programs / "raw-writer"
        subprocess.run([writer, "create", str(count)], env=plane.environment, check=True)
        before = plane.server_cpu()
        with Operator(programs, plane) as operator:
            plane.wait_for_writes(agent, 2 * count)
            result = {"own_cpu_s": cpu_seconds(operator.pid),
                      "server_cpu_ms": (plane.server_cpu() - before) / count * 1000}
            operator.quiet()
            result["rss_peak"] = memory(operator.pid, "VmHWM")
            result["rss_steady"] = memory(operator.pid, "VmRSS")
            entries = plane.audit(agent)
            result["per_second"] = per_second(writes(entries))
            result |= counts(entries)
            plane.check(count)
            if idle_seconds:
                idle = cpu_seconds(operator.pid)
                time.sleep(idle_seconds)
                result["idle_mcpu"] = (cpu_seconds(operator.pid) - idle) / idle_seconds * 1000
            if latencies:
                result |= latency(programs, plane, latencies)
                operator.quiet()
            operator.stop()
        wait_for("its watches have ended", lambda: len([e for e in completed(plane.audit(agent))
                                                        if e["verb"] == "watch"]) == 2)
        seen = len(plane.audit(agent))
        resync = 4 if count <= 1000 else 8
        with Operator(programs, plane, "--resync", str(resync)) as operator:
            result["restart_s"] = operator.quiet()
            result["restart_cpu_s"] = cpu_seconds(operator.pid)
            result["restart_rss"] = memory(operator.pid, "VmRSS")
            result["restart_rss_file"] = memory(operator.pid, "RssFile")
            result["restart_rss_anon"] = memory(operator.pid, "RssAnon")
            wait_for("the resync", lambda: cpu_seconds(operator.pid) - result["restart_cpu_s"] > 0.0005, 60, 0.001)
            operator.quiet()
            result["resync_cpu_ms"] = (cpu_seconds(operator.pid) - result["restart_cpu_s"]) * 1000
            entries = plane.audit(agent)[seen:]
            result["restart_others"] = counts(entries)["others"]
            result["restart_lists"] = len([e for e in completed(entries) if e["verb"] == "list"])
            operator.stop()
        return result


# The rows of the table: title, N, the value of one repetition, target, format.
def rows(sizes):
    for n in sizes:
        yield f"share of W with 16 writers, {n}", n, lambda w, w1, o: o["per_second"] / w["per_second"], (">=", 0.90), "{:.2f}"
    for n in sizes:
        yield f"W, {n}: pairs a second with 16 writers", n, lambda w, w1, o: w["per_second"], None, "{:.0f}"
    yield f"W, {sizes[0]}: with 1 writer", sizes[0], lambda w, w1, o: w1["per_second"], None, "{:.0f}"
    for n in sizes:
        yield f"writes an object, {n}", n, lambda w, w1, o, n=n: o["writes"] / n, ("<=", 2.0), "{:.2f}"
        yield f"failed; GETs, {n}", n, lambda w, w1, o: o["failed"] + o["gets"], ("<=", 0), "{:.0f}"
    for n in sizes:
        yield f"server CPU an object, of W's, {n}", n, lambda w, w1, o: o["server_cpu_ms"] / w["server_cpu_ms"], ("<=", 1.05), "{:.2f}"
    yield f"own CPU for {sizes[0]}, s", sizes[0], lambda w, w1, o: o["own_cpu_s"], ("<=", 0.3 * sizes[0] / 1000), "{:.2f}"
    for n, most in zip(sizes, (12, 30)):
        yield f"RSS after a restart, {n}, MiB", n, lambda w, w1, o: o["restart_rss"], ("<=", most), "{:.1f}"
        yield "  of it files mapped (libraries)", n, lambda w, w1, o: o["restart_rss_file"], None, "{:.1f}"
        yield "  steady after the first run", n, lambda w, w1, o: o["rss_steady"], None, "{:.1f}"
        yield "  peak", n, lambda w, w1, o: o["rss_peak"], None, "{:.1f}"
    last = sizes[-1]
    yield f"restart over {last} Ready: quiet after, s", last, lambda w, w1, o: o["restart_s"], ("<=", 0.6), "{:.2f}"
    yield "  requests but list and watch, resync too", last, lambda w, w1, o: o["restart_others"], ("<=", 0), "{:.0f}"
    yield f"resync of {last} unchanged, own CPU, ms", last, lambda w, w1, o: o["resync_cpu_ms"], ("<=", 20), "{:.1f}"
    yield "create -> Ready p50 over a raw pair, ms", sizes[0], lambda w, w1, o: o["ready_p50_ms"] - w1["ready_p50_ms"], ("<=", 0.3), "{:+.2f}"
    for title, part in (("from the answer to the first request", "before_output"), ("the first at the server", "output"),
                        ("between the two", "between"), ("the second at the server", "status")):
        yield f"  {title}", sizes[0], lambda w, w1, o, part=part: o["ready_parts_ms"][part] - w1["ready_parts_ms"][part], None, "{:+.2f}"
    yield f"idle CPU at {last}, mCPU", last, lambda w, w1, o: o["idle_mcpu"], ("<=", 0.02), "{:.3f}"


def stripped(program):
    with tempfile.NamedTemporaryFile() as copy:
        subprocess.run(["strip", "-o", copy.name, program], check=True)
        return os.path.getsize(copy.name) / 2**20


def table(sizes, runs, programs):
    line = "{:<46} {:>9} {:>19}  {:>8}  {}"
    print(line.format("same work, one run", "median", "spread", "target", ""))
    for title, n, value, target, form in rows(sizes):
        values = [value(*run) for run in runs[n]]
        middle = statistics.median(values)
        met = "" if target is None else "met" if (middle <= target[1] if target[0] == "<=" else middle >= target[1]) else "MISSED"
        print(line.format(title, form.format(middle), form.format(min(values)) + " - " + form.format(max(values)),
                          "" if target is None else f"{target[0]} {target[1]:g}", met))
    for name, most in (("widget-operator", 3), ("mpay-operator", 8)):
        size = stripped(programs / name)
        print(line.format(f"stripped {name}, MiB", f"{size:.2f}", "", f"<= {most}", "met" if size <= most else "MISSED"))


def judge(count, operator):
    """Judges the counts, which must hold on every machine."""
    wanted = {"writes": 2 * count, "failed": 0, "gets": 0, "others": 2 * count, "restart_others": 0}
    for name, value in wanted.items():
        if operator[name] != value:
            raise Wrong(f"{name}: {operator[name]} where {value} are right, for {count} widgets")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--bin", type=lambda text: pathlib.Path(text).resolve(), required=True)
    arguments.add_argument("--n", default="1000,10000")
    arguments.add_argument("--repeat", type=int, default=5)
    arguments.add_argument("--out", type=pathlib.Path)
    arguments.add_argument("--short", action="store_true")
    given = arguments.parse_args()
    sizes = [int(n) for n in given.n.split(",")]
    if given.short:
        operator = measure_operator(given.bin, sizes[0], 0, 0)
        judge(sizes[0], operator)
        print(f"{sizes[0]} widgets: 2.00 writes an object, 0 failed, 0 GETs, nothing after a restart and in a resync")
        return 0
    runs = {n: [] for n in sizes}
    for repetition in range(given.repeat):
        for n in sizes:
            latencies, idle = (200, 0) if n == sizes[0] else (0, 30)
            one = measure_writer(given.bin, n, 1, latencies) if n == sizes[0] else {}
            work = [lambda n=n: measure_writer(given.bin, n, 16, 0),
                    lambda n=n, l=latencies, i=idle or (30 if len(sizes) == 1 else 0): measure_operator(given.bin, n, l, i)]
            if repetition % 2:
                operator, writer = work[1](), work[0]()
            else:
                writer, operator = work[0](), work[1]()
            judge(n, operator)
            runs[n].append((writer, one, operator))
            record = json.dumps({"n": n, "repetition": repetition, "writer": writer, "one": one, "operator": operator})
            print(f"{n}, {repetition + 1} of {given.repeat}: W {writer['per_second']:.0f}/s, "
                  f"operator {operator['per_second']:.0f}/s", file=sys.stderr)
            if given.out:
                with given.out.open("a", encoding="utf-8") as out:
                    out.write(record + "\n")
    table(sizes, runs, given.bin)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Wrong as wrong:
        print(f"bench: {wrong}", file=sys.stderr)
        sys.exit(1)

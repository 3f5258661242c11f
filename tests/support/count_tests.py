"""count_tests.py FOLDER SECONDS: one closing line of counts, from the results that ctest and GoogleTest left.

FOLDER/*.xml are ctest's. An entry with a file FOLDER/<entry>.gtest.xml stands for the tests in that file; the entry
itself counts if its process failed and none of its tests did.
"""
import pathlib
import sys
import xml.etree.ElementTree as xml


def outcome(case):
    if case.find("failure") is not None or case.get("status") == "fail":
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def read(file, name):
    return [(name(case), outcome(case)) for case in xml.parse(file).getroot().iter("testcase")] if file.exists() else []


folder = pathlib.Path(sys.argv[1])
inner = {
    file.name.removesuffix(".gtest.xml"): read(file, lambda case: f"{case.get('classname')}.{case.get('name')}")
    for file in sorted(folder.glob("*.gtest.xml"))
}
results = [result for tests in inner.values() for result in tests]
for file in sorted(folder.glob("*.xml")):
    if not file.name.endswith(".gtest.xml"):
        for entry, result in read(file, lambda case: case.get("name")):
            explained = any(inner_result == "failed" for _, inner_result in inner.get(entry, []))
            if not inner.get(entry) or (result == "failed" and not explained):
                results.append((entry, result))
counts = {kind: sum(result == kind for _, result in results) for kind in ("passed", "failed", "skipped")}
for name, result in results:
    if result == "failed":
        print(f"failed: {name}")
skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}, {sys.argv[2]} s")

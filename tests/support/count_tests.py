"""count_tests.py FOLDER SECONDS: one closing line of counts, from the results that ctest and GoogleTest left.

FOLDER/*.xml are ctest's. The integration tests are one entry there, which stands for the tests in
FOLDER/integration.gtest.xml; it counts itself where its process failed and no test of it did.
"""
import pathlib
import sys
import xml.etree.ElementTree as xml

ONE_ENTRY = "integration"


def outcome(case):
    if case.find("failure") is not None or case.get("status") == "fail":
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def read(file, name):
    return [(name(case), outcome(case)) for case in xml.parse(file).getroot().iter("testcase")] if file.exists() else []


folder = pathlib.Path(sys.argv[1])
inner = read(folder / f"{ONE_ENTRY}.gtest.xml", lambda case: f"{case.get('classname')}.{case.get('name')}")
explained = any(result == "failed" for _, result in inner)
results = list(inner)
for file in sorted(folder.glob("*.xml")):
    if not file.name.endswith(".gtest.xml"):
        results += [
            (name, result)
            for name, result in read(file, lambda case: case.get("name"))
            if name != ONE_ENTRY or not inner or (result == "failed" and not explained)
        ]
counts = {kind: sum(result == kind for _, result in results) for kind in ("passed", "failed", "skipped")}
for name, result in results:
    if result == "failed":
        print(f"failed: {name}")
skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
print(f"{counts['passed']} passed, {counts['failed']} failed{skipped}, {sys.argv[2]} s")

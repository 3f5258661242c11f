"""check_layers.py OPERATOR [DRAWING]: fails when a folder includes one that its mpay_layer(...) does not name.

OPERATOR/CMakeLists.txt sets the rules. A layer may use itself, the layers that it names in DEPENDS, and the layers
that those use. It may name only layers declared above it. Every folder of sources is a layer. DRAWING is a page with a
Mermaid graph of the layers: its arrows are the DEPENDS. Each folder then has a README.md.
"""
import pathlib
import re
import sys

SECTIONS = ("DEPENDS", "LIBRARIES")
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')


def layers(operator):
    """Each layer with every layer that it may use, in the order of declaration; what each names; the faults found."""
    allowed, named, faults = {}, {}, []
    text = re.sub(r"#.*", "", (operator / "CMakeLists.txt").read_text())
    for call in re.findall(r"^mpay_layer\(([^)]*)\)", text, re.MULTILINE):
        name, *words = call.split()
        allowed[name], named[name] = {name}, set()
        section = ""
        for word in words:
            if word in SECTIONS:
                section = word
            elif section == "DEPENDS" and word in allowed:
                allowed[name] |= allowed[word]
                named[name].add(word)
            elif section == "DEPENDS":
                faults.append(f"CMakeLists.txt: {name} depends on {word}, which is not declared above it")
    return allowed, named, faults


def drawn(page):
    """The arrows of the page's first Mermaid graph, as sets by their start."""
    graph = page.read_text().split("```mermaid\n", 1)[1].split("```", 1)[0]
    arrows = re.findall(r"^\s*(\w+) --> ([\w &]+)$", graph, re.MULTILINE)
    return {start: set(ends.split(" & ")) for start, ends in arrows}


def check(operator, page=None):
    allowed, named, faults = layers(operator)
    if not allowed:
        faults.append("CMakeLists.txt: no mpay_layer")
    files = [file for file in sorted(operator.glob("*/**/*")) if file.suffix in (".h", ".cpp")]
    for file in files:
        name = file.relative_to(operator).parts[0]
        if name not in allowed:
            faults.append(f"{file.relative_to(operator)}: {name} is no layer")
            continue
        for number, line in enumerate(file.read_text().splitlines(), 1):
            include = INCLUDE.match(line)
            if not include:
                continue
            used = include[1].split("/")[0]
            where = f"{file.relative_to(operator)}:{number}"
            if "/" not in include[1] or used == "..":
                faults.append(f'{where}: "{include[1]}" does not begin with a folder')
            elif used not in allowed[name]:
                faults.append(f"{where}: {name} may not use {used}")
    if page:
        arrows = drawn(page)
        for name in sorted(set(arrows) | set(named)):
            if arrows.get(name, set()) != named.get(name, set()):
                faults.append(f"{page.name}: {name} is drawn over {sorted(arrows.get(name, []))}, "
                              f"and depends on {sorted(named.get(name, []))}")
        faults += [f"{name} has no README.md" for name in allowed if not (operator / name / "README.md").exists()]
    return faults


if __name__ == "__main__":
    found = check(*map(pathlib.Path, sys.argv[1:3]))
    print("\n".join(found) if found else "layers: in order")
    sys.exit(1 if found else 0)

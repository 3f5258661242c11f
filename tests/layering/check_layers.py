"""check_layers.py OPERATOR: fails when a folder includes one that its mpay_layer(...) does not name.

OPERATOR/CMakeLists.txt sets the rules. A layer may use itself, the layers that it names in DEPENDS, and the layers
that those use. It may name only layers declared above it. Every folder of sources is a layer.
"""
import pathlib
import re
import sys

SECTIONS = ("DEPENDS", "LIBRARIES")
INCLUDE = re.compile(r'\s*#\s*include\s+"([^"]+)"')


def layers(operator):
    """Each layer with every layer that it may use, in the order of declaration, and the faults found."""
    allowed, faults = {}, []
    text = re.sub(r"#.*", "", (operator / "CMakeLists.txt").read_text())
    for call in re.findall(r"^mpay_layer\(([^)]*)\)", text, re.MULTILINE):
        name, *words = call.split()
        allowed[name] = {name}
        section = ""
        for word in words:
            if word in SECTIONS:
                section = word
            elif section == "DEPENDS" and word in allowed:
                allowed[name] |= allowed[word]
            elif section == "DEPENDS":
                faults.append(f"CMakeLists.txt: {name} depends on {word}, which is not declared above it")
    return allowed, faults


def check(operator):
    allowed, faults = layers(operator)
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
    return faults


if __name__ == "__main__":
    found = check(pathlib.Path(sys.argv[1]))
    print("\n".join(found) if found else "layers: in order")
    sys.exit(1 if found else 0)

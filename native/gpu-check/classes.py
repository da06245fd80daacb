"""Class files of a bundle: which of them a program comes to, and the same without what only debuggers read."""

import pathlib
import re
import struct
import subprocess
import tempfile
from typing import Iterable

TEXT, WIDE = 1, (5, 6)  # tags of constants: text; a number that takes two places
BYTES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
"""Of a constant behind its tag (The Java Virtual Machine Specification, table 4.4-A)."""
IN_SIGNATURE = re.compile(r"L([^;<:]+)[;<]")
IN_LIBRARY = re.compile(rb"[\w$]+(?:/[\w$]+)+")
MODULE = "gavel.bundled"


def texts(class_file: bytes) -> Iterable[str]:
    """Every text among its constants: names, types, signatures and literals."""
    places, = struct.unpack_from(">H", class_file, 8)
    place, at = 1, 10
    while place < places:
        tag = class_file[at]
        if tag == TEXT:
            length, = struct.unpack_from(">H", class_file, at + 1)
            yield class_file[at + 3:at + 3 + length].decode(errors="replace")
            at += 3 + length
        else:
            at += 1 + BYTES[tag]
        place += 2 if tag in WIDE else 1


def named_in_class(class_file: bytes) -> set[str]:
    """Whatever may be the name of a class, with slashes: what it uses, and literals that it may look up by name."""
    found = set()
    for text in texts(class_file):
        found.add(text.replace(".", "/"))
        found.update(IN_SIGNATURE.findall(text))
    return found


def named_in_library(library: bytes) -> set[str]:
    """The same of a native library, which looks classes up through JNI."""
    found = set()
    for match in IN_LIBRARY.findall(library):
        name = match.decode()
        found |= {name, name.partition("L")[2]}  # alone, or in a signature such as (ILa/b/C;)V
    return found


def reached(classes: dict[str, bytes], roots: Iterable[str], services: dict[str, list[str]]) -> set[str]:
    """Of the classes (name with slashes -> class file) those that the roots lead to. A class that is reached
    leads to its providers, where it is a service (interface -> classes). Names that are put together while a program
    runs are not seen; their classes have to be among the roots."""
    found, left = set(), [name for name in roots if name in classes]
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            leads_to = named_in_class(classes[name]).union(services.get(name, ()))
            left.extend(leads_to & classes.keys())
    return found


def without_debugging(java_home: pathlib.Path, classes: dict[str, bytes]) -> dict[str, bytes]:
    """The same without line numbers and names of variables, a fifth of them. jlink takes those off the modules of a
    runtime, so the classes become one for the while."""
    with tempfile.TemporaryDirectory(prefix="gavel-classes-") as name:
        folder = pathlib.Path(name)
        source, module, image = folder / "module-info.java", folder / "module", folder / "image"
        source.write_text(f"module {MODULE} {{}}")
        write(module, classes)
        tool = java_home / "bin"
        subprocess.run([tool / "javac", "-d", module, source], check=True)
        subprocess.run([tool / "jlink", "--module-path", module, "--add-modules", MODULE,
                        "--strip-java-debug-attributes", "--output", image], check=True)
        subprocess.run([tool / "jimage", "extract", "--dir", folder, "--include", f"regex:/{MODULE}/.*",
                        image / "lib" / "modules"], check=True)
        return {name: (folder / MODULE / f"{name}.class").read_bytes() for name in classes}


def write(folder: pathlib.Path, classes: dict[str, bytes]):
    for name, class_file in classes.items():
        file = folder / f"{name}.class"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(class_file)

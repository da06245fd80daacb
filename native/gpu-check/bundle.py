"""The bundle that gpu-check serves from on a machine without Java, Maven and network: a Java runtime cut to
what serving needs, Gavel's jars and the libraries they load, in one archive.

    python3 native/gpu-check/bundle.py --dist .gavel/dist --java-home JDK --out .gavel/gpu-bundle.tar.xz

libgavel.so and libgavel_cuda.so are not in it: the machine with the device builds them from the tree. Training,
its LibTorch and its search index stay behind, and so do classes that ours do not lead to and whatever only debuggers
read: a stack trace names methods, but no lines. The rehearsal (`native/gpu-check.sh --rehearse`) runs every command of
gpu-check from the bundle.
"""

import argparse
import collections
import json
import lzma
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from typing import Iterable

import classes

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEGABYTES_MOST = 60
"""Of the tracked files and the bundle together."""

MODULES = "java.base,java.logging,java.management,jdk.management,jdk.unsupported"
# Of the runtime: certificates and domains for TLS, and how other runtimes would read this one.
RUNTIME_LEFT_OUT = ("**/cacerts", "**/public_suffix_list.dat", "**jrt-fs.jar")

JARS_LEFT_OUT = ("pytorch-", "openblas-", "lucene-")  # training
# Of the rest only classes that ours lead to, and those of libraries that put names of classes together.
ROOTS = ("dev/gavel/", "com/github/benmanes/caffeine/")
# Libraries lie in native/; the rest is for compilers and other tools.
FILES_LEFT_OUT = ("/", "module-info.class", ".so", ".dll", ".dylib", ".jnilib", ".a", ".proto", "META-INF/INDEX.LIST")
FOLDERS_LEFT_OUT = ("META-INF/maven/", "META-INF/native-image/", "META-INF/versions/", "nlp/")
SERVICES = "META-INF/services/"

LIBRARIES = ("libjniGavel.so", "libjninvml.so", "libjnijavacpp.so", "libjnidispatch.so", "libtokenizers.so",
             "libnetty_transport_native_epoll_x86_64.so")


def read_jar(jar: pathlib.Path) -> dict[str, bytes]:
    """Its entries that are not left out."""
    with zipfile.ZipFile(jar) as archive:
        return {name: archive.read(name) for name in sorted(set(archive.namelist()))
                if not name.endswith(FILES_LEFT_OUT) and not name.startswith(FOLDERS_LEFT_OUT)}


def write_jar(jar: pathlib.Path, entries: dict[str, bytes]):
    """Uncompressed, for the archive compresses all of them together better."""
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_STORED) as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content)


def providers(jars: Iterable[dict[str, bytes]]) -> dict[str, list[str]]:
    """Service -> classes, as META-INF/services tells ServiceLoader."""
    found = collections.defaultdict(list)
    for entries in jars:
        for name, content in entries.items():
            if name.startswith(SERVICES):
                lines = (line.partition("#")[0].strip() for line in content.decode().splitlines())
                found[slashed(name.removeprefix(SERVICES))] += map(slashed, filter(None, lines))
    return found


def slashed(name: str) -> str:
    return name.replace(".", "/")


def copy_jars(dist: pathlib.Path, java_home: pathlib.Path, home: pathlib.Path):
    """With the classes that are reached, without what only debuggers read; a jar that has none is left out."""
    jars = {jar.name: read_jar(jar) for jar in sorted(dist.glob("lib/*.jar")) if not jar.name.startswith(JARS_LEFT_OUT)}
    every = {name.removesuffix(".class"): content for entries in jars.values() for name, content in entries.items()
             if name.endswith(".class")}
    roots = [name for name in every if name.startswith(ROOTS)]
    for library in LIBRARIES:
        roots += classes.named_in_library((dist / "native" / library).read_bytes())
    reached = classes.reached(every, roots, providers(jars.values()))
    kept = classes.without_debugging(java_home, {name: every[name] for name in reached})
    for jar, entries in jars.items():
        copied = {name: kept.get(name.removesuffix(".class")) if name.endswith(".class") else content
                  for name, content in entries.items()}
        copied = {name: content for name, content in copied.items() if content is not None}
        if any(name.endswith(".class") for name in copied):
            write_jar(home / "lib" / jar, copied)


def link_runtime(java_home: pathlib.Path, target: pathlib.Path):
    """Uncompressed, for the same reason."""
    subprocess.run([java_home / "bin" / "jlink", "--add-modules", MODULES, "--strip-debug", "--no-header-files",
                    "--no-man-pages", "--compress=0", "--exclude-files", ",".join(RUNTIME_LEFT_OUT),
                    "--output", target], check=True)


def assemble(dist: pathlib.Path, java_home: pathlib.Path, home: pathlib.Path):
    for folder in ("bin", "lib", "native"):
        (home / folder).mkdir(parents=True)
    shutil.copy2(dist / "bin" / "gavel", home / "bin")
    copy_jars(dist, java_home, home)
    for library in LIBRARIES:  # the symbols that are left are those they are called by
        subprocess.run(["strip", "--strip-unneeded", "-o", home / "native" / library, dist / "native" / library],
                       check=True)
    link_runtime(java_home, home / "jre")
    (home / "bundle.json").write_text(json.dumps({"gavel_commit": git("describe", "--always", "--dirty").strip()}))


def pack(home: pathlib.Path, out: pathlib.Path, quick: bool):
    preset = 0 if quick else 9 | lzma.PRESET_EXTREME
    filters = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": preset}]
    unfinished = out.with_name(out.name + ".unfinished")
    with lzma.open(unfinished, "wb", filters=filters) as packed, tarfile.open(fileobj=packed, mode="w|") as archive:
        archive.add(home, "gavel", filter=owned_by_root)
    unfinished.replace(out)


def owned_by_root(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = "root"
    return entry


def git(*arguments: str) -> str:
    """What git says; empty without git."""
    try:
        return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True).stdout
    except OSError:
        return ""


def tracked_bytes() -> int:
    return sum((ROOT / name).lstat().st_size for name in git("ls-files", "-z").split("\0")
               if name and (ROOT / name).exists())


def main():
    parser = argparse.ArgumentParser(description="Makes the bundle of native/gpu-check.sh.")
    parser.add_argument("--dist", type=pathlib.Path, required=True, help="an assembled Gavel")
    parser.add_argument("--java-home", type=pathlib.Path, required=True, help="a JDK with jlink and its modules")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes; too large to take along")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gavel-bundle-") as folder:
        home = pathlib.Path(folder) / "gavel"
        assemble(arguments.dist, arguments.java_home, home)
        pack(home, arguments.out, arguments.quick)
    tree, bundle = tracked_bytes() / 1e6, arguments.out.stat().st_size / 1e6
    print(f"{arguments.out}: {bundle:.1f} MB; tracked files {tree:.1f} MB, together {tree + bundle:.1f} MB")
    if not arguments.quick and tree + bundle > MEGABYTES_MOST:
        sys.exit(f"expected at most {MEGABYTES_MOST} MB of tracked files and bundle together, "
                 f"found {tree + bundle:.1f}")


if __name__ == "__main__":
    main()

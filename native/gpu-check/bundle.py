"""The bundle that gpu-check serves from on a machine without Java, Maven and network: a Java runtime cut to
what serving needs, Gavel's jars and the libraries they load, in one archive.

    python3 native/gpu-check/bundle.py --dist .gavel/dist --java-home JDK --out .gavel/gpu-bundle.tar.xz

libgavel.so and libgavel_cuda.so are not in it: the machine with the device builds them from the tree. Training,
its LibTorch and its search index stay behind, and so do parts of libraries that no command of gpu-check comes
near; the rehearsal (`native/gpu-check.sh --rehearse`) runs every such command from the bundle.
"""

import argparse
import json
import lzma
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEGABYTES_MOST = 60
"""Of the tracked files and the bundle together."""

MODULES = "java.base,java.logging,java.management,jdk.management,jdk.unsupported"

JARS_LEFT_OUT = (
    "pytorch-", "openblas-", "lucene-",  # training
    "commons-compress-", "commons-io-", "commons-codec-",  # DJL's downloads
    "netty-codec-socks-", "netty-codec-compression-", "netty-handler-proxy-",
    "animal-sniffer-", "annotations-", "error_prone_", "j2objc-", "jsr305-", "listenablefuture-")

# Of these jars only classes of these packages.
PACKAGES_KEPT = {
    "cuda-": ("org/bytedeco/cuda/nvml/", "org/bytedeco/cuda/global/nvml", "org/bytedeco/cuda/presets/"),
    "proto-google-common-protos-": ("com/google/rpc/",),
    "api-": ("ai/djl/util/", "ai/djl/engine/", "ai/djl/Device"),
    "tokenizers-": ("ai/djl/huggingface/tokenizers/jni/",),
}
PACKAGES_LEFT_OUT = {
    "netty-codec-http-": tuple(f"io/netty/handler/codec/{name}/" for name in (
        "http/cors", "http/multipart", "http/websocketx", "rtsp", "spdy")),
}
# Of this jar only classes that another jar leads to.
REACHED_ONLY = "guava-"
# Libraries lie in native/; the rest is for compilers and other tools.
FILES_LEFT_OUT = (".so", ".dll", ".dylib", ".jnilib", ".a", ".proto", "META-INF/INDEX.LIST")
FOLDERS_LEFT_OUT = ("META-INF/maven/", "META-INF/native-image/", "META-INF/versions/", "nlp/")

LIBRARIES = ("libjniGavel.so", "libjnijavacpp.so", "libjnidispatch.so", "libtokenizers.so",
             "libnetty_transport_native_epoll_x86_64.so")


def matching(name: str, table: dict[str, tuple]) -> tuple | None:
    return next((value for prefix, value in table.items() if name.startswith(prefix)), None)


def is_kept(jar: str, entry: str) -> bool:
    if entry.endswith("/") or entry.endswith(FILES_LEFT_OUT) or entry.startswith(FOLDERS_LEFT_OUT):
        return False
    if not entry.endswith(".class"):
        return True
    kept = matching(jar, PACKAGES_KEPT)
    left_out = matching(jar, PACKAGES_LEFT_OUT) or ()
    return (kept is None or entry.startswith(kept)) and not entry.startswith(left_out)


def copy_jar(source: pathlib.Path, target: pathlib.Path, reached: set[str]):
    """Uncompressed, for the archive compresses all of them together better."""
    only_reached = source.name.startswith(REACHED_ONLY)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for entry in sorted(filter(lambda name: is_kept(source.name, name), set(old.namelist()))):
            if not only_reached or not entry.endswith(".class") or entry in reached:
                new.writestr(zipfile.ZipInfo(entry), old.read(entry))


def reached_classes(java_home: pathlib.Path, jars: list[pathlib.Path]) -> set[str]:
    """Class files that any of the jars leads to, directly or by way of others."""
    library, = [jar for jar in jars if jar.name.startswith(REACHED_ONLY)]
    said = subprocess.run(
        [java_home / "bin" / "jdeps", "--multi-release", "17", "--ignore-missing-deps", "--recursive", "-verbose:class",
         "-cp", library, *(jar for jar in jars if jar != library)], check=True, capture_output=True, text=True).stdout
    return {name.replace(".", "/") + ".class" for name in re.findall(r"[\w$.]+", said)}


def link_runtime(java_home: pathlib.Path, target: pathlib.Path):
    """Uncompressed, for the same reason."""
    subprocess.run([java_home / "bin" / "jlink", "--add-modules", MODULES, "--strip-debug", "--no-header-files",
                    "--no-man-pages", "--compress=0", "--output", target], check=True)


def assemble(dist: pathlib.Path, java_home: pathlib.Path, home: pathlib.Path):
    for folder in ("bin", "lib", "native"):
        (home / folder).mkdir(parents=True)
    shutil.copy2(dist / "bin" / "gavel", home / "bin")
    jars = [jar for jar in sorted(dist.glob("lib/*.jar")) if not jar.name.startswith(JARS_LEFT_OUT)]
    reached = reached_classes(java_home, jars)
    for jar in jars:
        copy_jar(jar, home / "lib" / jar.name, reached)
    for library in LIBRARIES:
        shutil.copy2(dist / "native" / library, home / "native")
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

"""Builds the Debian packages from what git lists here (changes that are not committed included), in a
copy under build/package, where each .deb stays."""

import functools
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[2]
BUILD_DIR = SOURCE_DIR / "build" / "package"
EXPORTER = "radar-spoof-exporter"
SIMULATOR = "radar-spoof-simulator"


def run(command, **options):
    """The standard output. What failed is told with all it said."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def copy_of_the_source():
    """A fresh copy, always at the same place: ccache then knows it."""
    copy = BUILD_DIR / "source"
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    names = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                cwd=SOURCE_DIR).split("\0")
    for name in names:
        if (SOURCE_DIR / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE_DIR / name, copy / name)
    return copy


def cmake_version(source):
    return re.search(r"project\(radar_spoof_exporter VERSION (\S+)",
                     (source / "CMakeLists.txt").read_text()).group(1)


def changelog_version(source):
    return run(["dpkg-parsechangelog", "-S", "Version"], cwd=source).strip()


def set_version(source, version):
    """As a release does it: in CMakeLists.txt and with an entry in debian/changelog."""
    cmake = source / "CMakeLists.txt"
    cmake.write_text(cmake.read_text().replace(f"VERSION {cmake_version(source)} ",
                                               f"VERSION {version} ", 1))
    changelog = source / "debian/changelog"
    entry = changelog.read_text().split("\n\n", 1)[0]
    signature = re.search(r"^ -- .*$", changelog.read_text(), re.MULTILINE).group(0)
    entry = re.sub(r"\(.*?\)", f"({version})", entry)
    changelog.write_text(f"{entry}\n\n  * A later version.\n\n{signature}\n\n{changelog.read_text()}")


def build(source):
    """The exporter's .deb, the simulator's, and the .changes file of a build for this machine's architecture."""
    # No test reads debug symbols, which are a third of the time to compile.
    environment = os.environ | {"LC_ALL": "C.UTF-8", "DEB_CFLAGS_STRIP": "-g", "DEB_CXXFLAGS_STRIP": "-g",
                                "DEB_BUILD_OPTIONS": "noautodbgsym"}
    if shutil.which("ccache"):
        # debhelper gives the build another HOME.
        environment["CCACHE_DIR"] = run(["ccache", "--get-config", "cache_dir"]).strip()
    run(["dpkg-buildpackage", "-us", "-uc", "-b"], cwd=source, env=environment)
    version = changelog_version(source)
    architecture = run(["dpkg", "--print-architecture"]).strip()
    return (BUILD_DIR / f"{EXPORTER}_{version}_{architecture}.deb",
            BUILD_DIR / f"{SIMULATOR}_{version}_{architecture}.deb",
            BUILD_DIR / f"{EXPORTER}_{version}_{architecture}.changes")


def one_package_of_both(exporter, simulator, scratch):
    """A .deb as it was when one package had both programs: what two have now, joined in `scratch`."""
    joined = scratch / "joined"
    run(["dpkg-deb", "-R", exporter, joined])
    run(["dpkg-deb", "-x", simulator, joined])
    shutil.rmtree(joined / "usr/share/doc" / SIMULATOR)
    deb = scratch / f"{EXPORTER}_of_both.deb"
    run(["dpkg-deb", "--root-owner-group", "-b", joined, deb])
    return deb


def digest(source):
    """Of every file of a copy, its name and its mode."""
    sha = hashlib.sha256()
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        sha.update(f"{path.relative_to(source)} {path.stat().st_mode} {path.stat().st_size}\n".encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()


@functools.cache
def build_this():
    """build() of the source as it is, unless that is what was built last. scripts/test --all calls this
    before the tests: compiling is no part of one."""
    source = copy_of_the_source()
    built = BUILD_DIR / "built.json"
    wanted = digest(source)
    last = json.loads(built.read_text()) if built.exists() else {}
    if last.get("digest") != wanted or not all(pathlib.Path(each).exists() for each in last["files"]):
        built.unlink(missing_ok=True)
        last = {"digest": wanted, "files": [str(each) for each in build(source)]}
        built.write_text(json.dumps(last))
    return [pathlib.Path(each) for each in last["files"]]


if __name__ == "__main__":
    print(*build_this(), sep="\n")

"""podman, with storage, networks and settings of its own under build/containers, and a base image that debootstrap makes from
this machine's mirror. Needs root."""

import os
import pathlib
import shutil
import subprocess
import time

SOURCE_DIR = pathlib.Path(__file__).resolve().parents[2]
SCRATCH = SOURCE_DIR / "build" / "containers"
BASE = "docker.io/library/debian:12-slim"  # as the Dockerfile names it
PATIENCE = 120


class NotPermitted(Exception):
    """podman may not run a container on this machine."""


def configure():
    """Writes the settings and names them to podman and whatever calls it."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    (SCRATCH / "containers.conf").write_text(
        # podman's own are more than every machine allows.
        '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n'
        f'[network]\nnetwork_config_dir = "{SCRATCH}/networks"\n'
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n')  # no systemd is needed
    (SCRATCH / "storage.conf").write_text(
        f'[storage]\ndriver = "{"vfs" if on_overlay() else "overlay"}"\n'
        f'graphroot = "{SCRATCH}/storage"\nrunroot = "{SCRATCH}/run"\n')
    os.environ |= {"CONTAINERS_CONF": f"{SCRATCH}/containers.conf",
                   "CONTAINERS_STORAGE_CONF": f"{SCRATCH}/storage.conf"}


def on_overlay():
    found = subprocess.run(["findmnt", "--noheadings", "--output=FSTYPE", f"--target={SCRATCH}"],
                           capture_output=True, text=True)
    return found.stdout.strip() == "overlay"


def run(command, **options):
    """The standard output. What failed is told with all it said."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def podman(*arguments):
    return run(["podman", *arguments])


def try_podman(*arguments):
    """Exit code, and all that was said."""
    done = subprocess.run(["podman", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode, done.stdout


def prepare_base():
    """Makes the base image unless it is there. Raises NotPermitted where a container of it cannot be started."""
    if try_podman("image", "exists", BASE)[0] != 0:
        mirror = run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian",
                      "Codename: bookworm"]).split()
        mirror = mirror[0] if mirror else "http://deb.debian.org/debian"
        tree = SCRATCH / "base"
        shutil.rmtree(tree, ignore_errors=True)
        run(["debootstrap", "--variant=minbase", "bookworm", tree, mirror])
        archive = SCRATCH / "base.tar"
        run(["tar", "--directory", tree, "--create", "--file", archive, "."])
        podman("import", archive, BASE)
        shutil.rmtree(tree)
        archive.unlink()
    code, said = try_podman("run", "--rm", BASE, "true")
    if code != 0:
        raise NotPermitted(said.strip())


def version():
    text = (SOURCE_DIR / "CMakeLists.txt").read_text()
    return text.split("VERSION ", 2)[2].split(" ", 1)[0]


def build(target, revision):
    """Builds a target of the Dockerfile as the documents say; what podman said. Compiled objects are kept."""
    cache = SCRATCH / "ccache"
    cache.mkdir(exist_ok=True)
    name = {"exporter": "radar_spoof_exporter", "simulator": "radar_simulator"}[target]
    code, said = try_podman("build", "--format=docker", "--network=host", f"--volume={cache}:/root/.cache/ccache",
                            f"--build-arg=REVISION={revision}", f"--target={target}", f"--tag={name}:{version()}",
                            str(SOURCE_DIR))
    if code != 0:
        raise AssertionError(said)
    return said


def stand_in(name, contents, containerfile):
    """An image `name` of the base with files of this machine, {path in the image: path here}."""
    context = SCRATCH / "context"
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir()
    copies = ""
    for index, (there, here) in enumerate(contents.items()):
        (shutil.copytree if pathlib.Path(here).is_dir() else shutil.copy2)(here, context / str(index))
        copies += f"COPY {index} {there}\n"
    (context / "Containerfile").write_text(f"FROM {BASE}\n{copies}{containerfile}")
    podman("build", "--network=host", f"--tag={name}", str(context))


def remove_all_containers():
    """Those that share another's network first: they are younger."""
    for container in podman("ps", "--all", "--quiet", "--sort=created").split()[::-1]:
        try_podman("rm", "--force", "--volumes", "--time=0", container)


def wait_until(condition, what, said=lambda: ""):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited for {what}\n{said()}")
        time.sleep(0.2)

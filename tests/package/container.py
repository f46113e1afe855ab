"""A Debian of its own: a tree by debootstrap, kept under build/package, booted by systemd-nspawn with
everything it writes in memory, and no network but its loopback. Needs root."""

import pathlib
import shutil
import subprocess
import time

from debian_package import BUILD_DIR, run

TREE = BUILD_DIR / "debian"
PACKAGES = BUILD_DIR / "packages"  # /packages inside
PATIENCE = 60


def prepare_tree(deb):
    """Makes the tree unless it is there, and puts what `deb` depends on into its apt cache, so that
    apt can install it without a network."""
    if not (TREE / "etc/debian_version").exists():
        mirror, codename = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)",
                                "Created-By: Packages", "Origin: Debian",
                                "Codename: bookworm"]).split()[:2]
        fresh = TREE.with_suffix(".fresh")
        shutil.rmtree(fresh, ignore_errors=True)
        run(["debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv,dbus", codename, fresh,
             mirror])
        run(["chroot", fresh, "apt-get", "clean"])
        fresh.rename(TREE)
    shutil.copy2(deb, TREE / "tmp/package.deb")
    for command in (["update"], ["install", "-y", "--download-only", "--no-install-recommends",
                                 "/tmp/package.deb"]):
        run(["chroot", TREE, "apt-get", *command])
    (TREE / "tmp/package.deb").unlink()


class Container:
    def __init__(self):
        self._log = open(BUILD_DIR / "container.log", "w")
        self._nspawn = subprocess.Popen(
            ["systemd-nspawn", "--quiet", f"--directory={TREE}", "--volatile=overlay",
             "--private-network", "--register=no", "--keep-unit", "--hostname=package-test",
             f"--bind-ro={PACKAGES}:/packages", "--boot"],
            stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)

    def boot(self):
        self.wait_until(lambda: self._init() and
                        self.try_run("systemctl is-system-running")[1].strip() in
                        ("running", "degraded"), "the container to boot")

    def end(self):
        self._nspawn.terminate()  # an orderly shutdown
        try:
            self._nspawn.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._nspawn.kill()
            self._nspawn.wait()
        self._log.close()

    def _init(self):
        pid = self._nspawn.pid
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return children[0] if children else None

    def try_run(self, command):
        """Exit code and output of a shell command inside."""
        done = subprocess.run(
            ["nsenter", f"--target={self._init()}", "--all", "/bin/sh", "-c", command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                 "DEBIAN_FRONTEND": "noninteractive"})
        return done.returncode, done.stdout

    def run(self, command):
        code, output = self.try_run(command)
        if code != 0:
            raise AssertionError(f"{command}: exit {code}\n{output}")
        return output

    def fetch(self, url, *options):
        """The body; curl is this machine's, the network the container's."""
        done = subprocess.run(
            ["nsenter", f"--target={self._init()}", "--net", "curl", "-sf", "--noproxy", "*", *options,
             url], capture_output=True, text=True)
        return done.stdout if done.returncode == 0 else None

    def property(self, name, unit="radar_spoof_exporter.service"):
        return self.run(f"systemctl show --value -p {name} {unit}").strip()

    def wait_until(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while True:
            found = condition()
            if found:
                return found
            if self._nspawn.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"waited for {what}")
            time.sleep(0.1)

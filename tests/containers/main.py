"""Runs the tests where podman may run containers; says so, and what was not run, where it may not."""

import sys
import unittest

import engine

NEVER = """not run: docker itself; the images of Prometheus, Alertmanager and Grafana that compose.yaml names (Debian's programs stand in,
         and Grafana is in no Debian); Debian's own image (debootstrap's tree stands in); Kubernetes."""


def main():
    engine.configure()
    try:
        engine.prepare_base()
    except engine.NotPermitted as refused:
        print(f"not run: nothing of it. podman may not start a container here:\n{refused}")
        return 0
    done = unittest.main(module=None, argv=["test-containers", "-v", "image_test", "compose_test", *sys.argv[1:]],
                         exit=False)
    print(NEVER)
    return 0 if done.result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())

"""The images that docker-compose.yml and deploy/Dockerfile name: pulled, or made here.

Where no registry of images is reached, Debian's own is: a root made by debootstrap with its
Python stands in for Python's image, and the wheels of the local stack bring the three servers.
They lie in the tests' own store, so that nobody else takes them for the official ones.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import yaml

from deploy.local import programs
from deploy.local.layout import ROOT
from tests.containers.podman import podman

_IMAGES = Path(__file__).parent / "images"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_PACKAGES = "python3,python3-venv,python3-pip,ca-certificates"


def names() -> dict[str, str]:
    """Returns the official images by what they are: python, envoy, postgres, valkey."""
    recipe = (ROOT / "deploy" / "Dockerfile").read_text()
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    bases = {name.lower(): image for name, image in re.findall(r"^ARG (\w+)_IMAGE=(\S+)$", recipe, re.M)}
    return {**bases, "postgres": services["postgres"]["image"], "valkey": services["redis"]["image"]}


def provide() -> list[str]:
    """Provides each image that is not there yet; returns the names of the stand-ins."""
    images = names()
    for kind in sorted(images, key=lambda each: each != "python"):
        image = images[kind]
        if podman("image", "exists", image, check=False).returncode == 0:
            continue
        if podman("pull", "--quiet", image, check=False).returncode == 0:
            continue
        if kind == "python":
            _make_python(image)
        else:
            _make_server(kind, image, images["python"])
    return [image for image in images.values() if _is_stand_in(image)]


def _is_stand_in(image: str) -> bool:
    label = '{{index .Labels "practice.stand-in"}}'
    return podman("image", "inspect", "--format", label, image).stdout.strip() == "true"


def _make_python(image: str) -> None:
    assert shutil.which("debootstrap"), f"{image} cannot be pulled, and debootstrap is not installed"
    with tempfile.TemporaryDirectory(prefix="practice-root-") as directory:
        root = Path(directory, "root")
        options = ["--variant=minbase", f"--include={_PACKAGES}"]
        subprocess.run(["debootstrap", *options, "bookworm", str(root)], check=True, capture_output=True)
        shutil.rmtree(root / "var/cache/apt/archives")
        (root / "usr/bin/python").symlink_to("python3")
        # What this machine trusts, the image does.
        shutil.copyfile(_CERTIFICATES, f"{root}{_CERTIFICATES}")
        variables = [f"ENV {name}={_CERTIFICATES}" for name in ("PIP_CERT", "SSL_CERT_FILE")]
        changes = [f"--change={change}" for change in (*variables, "LABEL practice.stand-in=true")]
        with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as packed:
            assert packed.stdout is not None
            podman("import", "--quiet", *changes, "-", image, input_file=packed.stdout.fileno())


def _make_server(kind: str, image: str, python: str) -> None:
    with tempfile.TemporaryDirectory(prefix="practice-image-") as directory:
        context = Path(directory, "context")
        shutil.copytree(_IMAGES, context)
        if kind == "postgres":
            installed = programs.postgres("postgres").parents[1]
            package = installed.parent
            # The programs find their libraries beside the package, as the wheel has them.
            shutil.copytree(installed, context / "postgres" / package.name / installed.name)
            libraries = f"{package.name}.libs"
            shutil.copytree(package.with_name(libraries), context / "postgres" / libraries)
        else:
            program = programs.redis() if kind == "valkey" else programs.envoy()
            shutil.copy(program, context / program.name)
        recipe = f"--file={context}/{kind}.Containerfile"
        options = ["--quiet", recipe, f"--build-arg=PYTHON_IMAGE={python}", "--label=practice.stand-in=true"]
        podman("build", *options, f"--tag={image}", str(context))

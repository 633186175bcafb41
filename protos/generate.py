"""Makes the Python stubs and the descriptor set from the contracts.

`python protos/generate.py` writes `generated/`: stubs with type hints under
their proto packages, and `practice.binpb`, the descriptor set that Envoy
transcodes with and buf checks. Nothing there is edited or committed. Running
it again without a changed contract does nothing.

`python protos/generate.py --release` also keeps the contracts as they are in
`released.binpb`: from then on `make lint` refuses a change that breaks them.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import sysconfig
from importlib import metadata, resources
from pathlib import Path

from google.protobuf import descriptor_pb2
from grpc_tools import protoc
from protovalidate._gen.buf.validate import validate_pb

CONTRACTS = Path(__file__).resolve().parent
OUTPUT = CONTRACTS.parent / "generated"
RELEASED = CONTRACTS / "released.binpb"
# In the descriptor set because Envoy drops the whole body of an error whose
# detail type it does not know.
ERROR_DETAILS = "google/rpc/error_details.proto"
# protovalidate and googleapis-common-protos bring contracts that ours import.
COMPILERS = ("grpcio-tools", "mypy-protobuf", "protovalidate", "googleapis-common-protos")


def fingerprint(sources: list[Path], versions: dict[str, str]) -> str:
    """Returns a digest of everything the output depends on: contracts, their places, compilers."""
    digest = hashlib.sha256(json.dumps(versions, sort_keys=True).encode())
    for path in [Path(__file__), *sources]:
        content = path.read_bytes()
        name = path.resolve().relative_to(CONTRACTS).as_posix()
        # With its length, so that no two lists of files give the same bytes.
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def compiler_versions() -> dict[str, str]:
    """Returns the installed versions of what turns contracts into stubs."""
    return {name: metadata.version(name) for name in COMPILERS}


def write_validation_rules(target: Path) -> None:
    """Writes buf/validate/validate.proto as a descriptor set.

    The protovalidate wheel ships its schema only in compiled form, so the
    contracts import that and never a copy that could differ from it.
    """
    schema = descriptor_pb2.FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary())
    target.write_bytes(descriptor_pb2.FileDescriptorSet(file=[schema]).SerializeToString())


def run_protoc(*arguments: str) -> None:
    """Runs the protoc of grpcio-tools; exits with its message on an error."""
    well_known = resources.files("grpc_tools") / "_proto"
    site_packages = sysconfig.get_path("purelib")
    includes = [f"-I{CONTRACTS}", f"-I{site_packages}", f"-I{well_known}"]
    if protoc.main(["protoc", *includes, *arguments]) != 0:
        sys.exit("protoc refused the contracts; its message is above")


def generate(sources: list[Path]) -> None:
    """Writes the stubs and the descriptor set into an empty OUTPUT."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    rules = OUTPUT / "validate.binpb"
    write_validation_rules(rules)
    names = [str(path.relative_to(CONTRACTS)) for path in sources]
    scripts = sysconfig.get_path("scripts")
    imported = f"--descriptor_set_in={rules}"
    run_protoc(
        imported,
        f"--plugin=protoc-gen-mypy={scripts}/protoc-gen-mypy",
        f"--plugin=protoc-gen-mypy_grpc={scripts}/protoc-gen-mypy_grpc",
        f"--python_out={OUTPUT}",
        f"--grpc_python_out={OUTPUT}",
        f"--mypy_out=quiet:{OUTPUT}",
        f"--mypy_grpc_out=quiet:{OUTPUT}",
        *names,
        "buf/validate/validate.proto",
    )
    for package in ("practice", "buf"):
        (OUTPUT / package / "py.typed").touch()
    write_descriptors(names, rules, OUTPUT / "practice.binpb")


def write_descriptors(names: list[str], rules: Path, target: Path) -> None:
    """Writes the descriptor set of contracts with their comments; `rules` is that of the validation rules."""
    run_protoc(
        f"--descriptor_set_in={rules}",
        "--include_imports",
        "--include_source_info",
        f"--descriptor_set_out={target}",
        *names,
        ERROR_DETAILS,
    )


def release() -> None:
    """Keeps the contracts, without their comments, as what a later version must not break."""
    contracts = descriptor_pb2.FileDescriptorSet.FromString((OUTPUT / "practice.binpb").read_bytes())
    for file in contracts.file:
        file.ClearField("source_code_info")
    RELEASED.write_bytes(contracts.SerializeToString(deterministic=True))
    print(f"released {RELEASED.name}", file=sys.stderr)


def main() -> None:
    """Regenerates when a contract changed since the last run."""
    sources = sorted(CONTRACTS.glob("practice/**/*.proto"))
    stamp = OUTPUT / ".fingerprint"
    wanted = fingerprint(sources, compiler_versions())
    if not stamp.exists() or stamp.read_text() != wanted:
        generate(sources)
        stamp.write_text(wanted)
        print(f"generated {len(sources)} contracts into {OUTPUT.name}/", file=sys.stderr)
    if "--release" in sys.argv[1:]:
        release()


if __name__ == "__main__":
    main()

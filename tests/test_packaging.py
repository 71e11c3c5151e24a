"""The wheel: seven import packages with their data, nothing of the tests or suites, and no clash of names."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from importlib import import_module
from importlib.metadata import packages_distributions
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("dagwright", "decomposer", "executor", "knowledge", "orchestrator", "planner", "validation")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what git tracks as a clean checkout would."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    uv = Path(sys.executable).parent / "uv"
    build = [str(uv), "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", str(target), str(source)], check=True, timeout=100)
    (built,) = target.glob("*.whl")
    return built


def tracked(folder: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, check=True, capture_output=True, text=True)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


def test_the_wheel_ships_all_files_of_the_seven_packages_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as bundle:
        files = {name for name in bundle.namelist() if ".dist-info/" not in name}
    assert {PurePosixPath(name).parts[0] for name in files} == set(PACKAGES)
    assert files == set().union(*map(tracked, PACKAGES))


def test_each_package_says_that_it_is_typed() -> None:
    assert [name for name in PACKAGES if not (ROOT / name / "py.typed").is_file()] == []


def test_no_other_distribution_provides_these_names() -> None:
    providers = packages_distributions()
    assert [name for name in PACKAGES if set(providers.get(name, ())) - {"dagwright"}] == []


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_is_imported_from_this_checkout(name: str) -> None:
    module = import_module(name)
    assert module.__file__ is not None
    assert Path(module.__file__) == ROOT / name / "__init__.py"


def test_the_wheel_names_its_licence_and_the_python_that_it_needs(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    with zipfile.ZipFile(wheel) as bundle:
        (path,) = [name for name in bundle.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = bundle.read(path).decode()
        assert any(name.endswith("/licenses/LICENSE") for name in bundle.namelist())
    assert "License-Expression: Apache-2.0" in metadata
    assert f"Requires-Python: {project['requires-python']}" in metadata
    assert "# dagwright" in metadata, "the README is the long description"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_wheel_works_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    uv, python = str(Path(sys.executable).parent / "uv"), str(tmp_path / "env" / "bin" / "python")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "env")], check=True)
    constraints = str(ROOT / "requirements.lock")
    install = [uv, "pip", "install", "--quiet", "--python", python]
    subprocess.run([*install, "--require-hashes", "-r", constraints], check=True)
    subprocess.run([*install, "--no-deps", str(wheel)], check=True)
    command = tmp_path / "env" / "bin" / "dagwright"
    for arguments, says in ((["--help"], "Exit codes"), (["tools", "list"], "data.group_aggregate")):
        ran = subprocess.run([str(command), *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        assert says in ran.stdout
    read = "from planner.example import examples; from planner.prompt import prompt_file; "
    read += "prompt_file('interleaved'), examples()[0]"
    subprocess.run([python, "-I", "-c", read], cwd=tmp_path, check=True, capture_output=True)

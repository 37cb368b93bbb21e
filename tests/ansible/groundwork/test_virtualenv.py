"""A release's environment is made of its wheels, or of another's that was made of the same."""

from __future__ import annotations

import atexit
import base64
import functools
import hashlib
import importlib.util
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import pip
import pytest
from ansible.module_utils.groundwork.failures import Failure
from ansible.module_utils.groundwork.install import virtualenv

VERSION = virtualenv.python_version()


def add_wheel(folder: Path, name: str, *, package: str, says: str) -> str:
    """A wheel with one module and a script of the same name; the line that requires it."""
    about = f"{name}-1.dist-info"
    files = {
        f"{package}/__init__.py": f"def main():\n    print({says!r})\n",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{about}/entry_points.txt": f"[console_scripts]\n{name} = {package}:main\n",
    }
    rows = [
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip('=')},"
        for path, text in files.items()
    ]
    path = folder / f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for inside, text in (*files.items(), (f"{about}/RECORD", "\n".join([*rows, f"{about}/RECORD,,"]))):
            # Without a date: the same content is the same wheel.
            archive.writestr(zipfile.ZipInfo(inside), text)
    return f"{name}==1 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def unpacked(folder: Path, *, code: str, dependency: str) -> Path:
    """What the artefact of a release holds."""
    wheels = folder / "wheels"
    wheels.mkdir(parents=True)
    lines = [
        add_wheel(wheels, "dependency", package="needed", says=dependency),
        add_wheel(wheels, "groundwork", package="app", says=code),
    ]
    (folder / f"requirements-{VERSION}.txt").write_text("\n".join(lines))
    (wheels / "pip-0-py3-none-any.whl").symlink_to(zipped_pip())
    return folder


@functools.cache
def zipped_pip() -> Path:
    """As a wheel holds it, and compiled: to do that at each start takes longer than all else here."""
    package = Path(pip.__file__).parent
    folder = tempfile.mkdtemp(prefix="groundwork-pip-")
    atexit.register(shutil.rmtree, folder)
    packed = Path(folder, "pip.zip")
    with zipfile.ZipFile(packed, "w") as archive:
        for file in (path for path in package.rglob("*") if "__pycache__" not in path.parts):
            inside = file.relative_to(package.parent)
            archive.write(file, inside)
            compiled = Path(importlib.util.cache_from_source(str(file)))
            if compiled.exists():
                archive.write(compiled, f"{inside}c")
    return packed


def make(tmp_path: Path, name: str, *, code: str, dependency: str, others: tuple[Path, ...] = ()) -> Path:
    home = tmp_path / name
    home.mkdir()
    found = unpacked(tmp_path / f"unpacked-{name}", code=code, dependency=dependency)
    virtualenv.make(found, home=home, pythons=[VERSION], others=others)
    return home


def says(home: Path, script: str) -> str:
    done = subprocess.run([home / "venv/bin" / script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def packages(home: Path) -> Path:
    return home / "venv/lib" / f"python{VERSION}/site-packages"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release made of its wheels."""
    return make(tmp_path_factory.mktemp("host"), "first", code="one", dependency="old")


@pytest.fixture(scope="module")
def second(first: Path) -> Path:
    """A release that needs the same as the first, and was made beside it."""
    return make(first.parent, "second", code="two", dependency="old", others=(first,))


def test_what_is_made_of_wheels_works(first: Path) -> None:
    assert (says(first, "groundwork"), says(first, "dependency")) == ("one", "old")
    assert list(packages(first).glob("app/__pycache__/*.pyc"))


def test_packages_come_from_a_release_that_needs_the_same(first: Path, second: Path) -> None:
    assert (packages(second) / "needed/__init__.py").samefile(packages(first) / "needed/__init__.py")
    assert (says(second, "groundwork"), says(second, "dependency")) == ("two", "old")
    assert (says(first, "groundwork"), says(first, "dependency")) == ("one", "old")


def test_the_code_of_its_own_is_compiled_too(second: Path) -> None:
    assert list(packages(second).glob("app/__pycache__/*.pyc"))


def test_nothing_of_it_needs_the_release_it_came_from(first: Path, second: Path) -> None:
    away = first.rename(first.with_name("away"))
    try:
        assert (says(second, "groundwork"), says(second, "dependency")) == ("two", "old")
        assert str(first) not in (second / "venv/bin/dependency").read_text()
    finally:
        away.rename(first)


def test_a_release_that_needs_something_else_takes_nothing_over(tmp_path: Path, first: Path) -> None:
    second = make(tmp_path, "second", code="two", dependency="new", others=(first,))
    assert (says(second, "groundwork"), says(second, "dependency")) == ("two", "new")


def test_a_wheel_that_is_not_the_one_required_is_refused(tmp_path: Path, first: Path) -> None:
    found = unpacked(tmp_path / "unpacked", code="two", dependency="old")
    add_wheel(found / "wheels", "groundwork", package="app", says="forged")
    (tmp_path / "second").mkdir()
    with pytest.raises(Failure, match="could not be installed"):
        virtualenv.make(found, home=tmp_path / "second", pythons=[VERSION], others=(first,))


def test_a_release_for_another_python_is_refused_with_the_way_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=f"scripts/build-release --python 3.0 --python {VERSION}"):
        virtualenv.make(tmp_path, home=tmp_path, pythons=["3.0"], others=())

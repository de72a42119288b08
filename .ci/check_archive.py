"""Check what an sdist or a wheel holds: python .ci/check_archive.py ARCHIVE [compiled|pure]."""

import sys
import tarfile
import zipfile
from fnmatch import fnmatch
from pathlib import Path

PRODUCTS = ("*.so", "*.pyd", "*.o", "*.gc??", "*.pyc", "*/__pycache__/*", "*/build/*", "*/.venv/*", "*/.hypothesis/*")
SOURCES = ("*.pyx", "*.pxd", "*.c", "*.h", "tests/*", "benchmarks/*", "docs/*", "src_ext/*", ".ci/*", "setup.py")


def matching(names: list[str], *patterns: str) -> list[str]:
    """Return the names that match any of the patterns."""
    return [name for name in names if any(fnmatch(name, pattern) for pattern in patterns)]


def sdist_faults(path: Path) -> list[str]:
    """Say what is wrong with a source archive."""
    with tarfile.open(path) as archive:
        names = [member.name.partition("/")[2] for member in archive if member.isfile()]
    wanted = ["LICENSE", "Makefile", "README.md", "kalshi_book/py.typed", "pyproject.toml", "setup.py"]
    wanted += [str(file) for folder in ("kalshi_book", "src_ext", "tests") for file in Path(folder).rglob("*.p[xy]*")]
    wanted += [str(file) for file in Path("src_ext").glob("*.h")]
    wanted = [name for name in wanted if not matching([name], *PRODUCTS)]
    faults = [f"it lacks {name}" for name in wanted if name not in names]
    # A C file of ours may be there; the one that Cython makes may not.
    return faults + [f"it holds {name}" for name in matching(names, *PRODUCTS, "*/_core.c")]


def wheel_faults(path: Path, build: str) -> list[str]:
    """Say what is wrong with a wheel."""
    names = zipfile.ZipFile(path).namelist()
    compiled = matching(names, "kalshi_book/_core.*.so", "kalshi_book/_core.*.pyd")
    faults = [f"it holds {name}" for name in matching(names, *SOURCES, *PRODUCTS) if name not in compiled]
    faults += [
        f"it lacks {pattern}"
        for pattern in ("kalshi_book/py.typed", "kalshi_book/_core.pyi", "kalshi_book/data/*", "*/licenses/LICENSE")
        if not matching(names, pattern)
    ]
    ours = matching(names, "kalshi_book/*", "kalshi_book-*.dist-info/*")
    faults += [f"it holds {name}" for name in names if name not in ours]
    if len(compiled) != (build == "compiled"):
        faults.append(f"a {build} wheel with {compiled or 'no extension'}")
    if path.name.endswith("-py3-none-any.whl") != (build == "pure"):
        faults.append(f"a {build} wheel of this name")
    return faults


def main() -> int:
    """Print the faults of one archive."""
    path = Path(sys.argv[1])
    faults = wheel_faults(path, sys.argv[2]) if path.suffix == ".whl" else sdist_faults(path)
    print(f"{path.name}: {'as it should be' if not faults else 'WRONG'}")
    for fault in faults:
        print(f"    {fault}")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())

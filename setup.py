"""Build the compiled core. Everything else about the package is in pyproject.toml.

Read from the environment:
    KALSHI_BOOK_BUILD     "compiled" (the default): build the extension or fail; "pure": leave it out.
    KALSHI_BOOK_COVERAGE  "1": count the executed lines of src_ext with gcov (`make coverage-ext`).
    KALSHI_BOOK_SANITIZE  "address,undefined": build under these sanitizers of gcc (`make sanitize`).
"""

import os
import platform
import sys
import sysconfig
from glob import glob
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

BUILD = os.environ.get("KALSHI_BOOK_BUILD") or "compiled"
COVERAGE = os.environ.get("KALSHI_BOOK_COVERAGE") == "1"
SANITIZE = os.environ.get("KALSHI_BOOK_SANITIZE", "")


def flags() -> tuple[list[str], list[str]]:
    """Return the compile and link flags that are added after Python's own; its -O3 stays."""
    if COVERAGE:
        return ["--coverage", "-O0"], ["--coverage"]
    if SANITIZE:
        # Each of the first three undoes something that hides bugs: signed overflow made legal by Python's own flags,
        # reports that let the test pass, and a double free that gcc deletes when it knows what free() does.
        found = ["-fno-wrapv", "-fno-sanitize-recover=undefined", "-fno-builtin"]
        found += [f"-fsanitize={SANITIZE}", "-O1", "-g", "-fno-omit-frame-pointer"]
        return found, found
    if sys.platform != "linux":
        return [], []
    # -U first: some distributions define it already, and a second definition warns.
    compile_flags = ["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3", "-fstack-protector-strong", "-fstack-clash-protection"]
    if platform.machine() in ("x86_64", "i686"):  # other targets refuse it
        compile_flags.append("-fcf-protection")
    # -fno-plt: with -z now every symbol is bound at load anyway, so calls into libpython need no stub: 2 to 5 % of a frame.
    return [*compile_flags, "-fno-plt"], ["-Wl,-z,relro,-z,now"]


def extensions() -> list[Extension]:
    """Translate the one extension with Cython, which a pure build does without."""
    from Cython.Build import cythonize

    compile_flags, link_flags = flags()
    core = Extension(
        "kalshi_book._core",
        ["src_ext/_core.pyx"],
        include_dirs=["src_ext"],
        depends=sorted(glob("src_ext/*.h") + glob("src_ext/*.pxd")),
        extra_compile_args=compile_flags,
        extra_link_args=link_flags,
    )
    return cythonize(
        [core],
        include_path=["src_ext"],
        # Not beside the sources, where the sdist would pick the C file up. To count lines it has to be there: Cython
        # copies our headers into the build directory, and gcov would count the copies.
        build_dir=None if COVERAGE else "build/cython",
        compiler_directives={"language_level": 3},
    )


class BuildOrSayWhy(build_ext):
    """The ordinary build, except that a failure says what to do about it."""

    def finalize_options(self) -> None:
        super().finalize_options()
        # The flags come from the environment, and an object file's time does not show which it was built with.
        self.force = True

    def run(self) -> None:
        try:
            super().run()
        except (BaseError, CCompilerError, OSError) as error:
            raise SystemExit(advice(error)) from error


def advice(error: Exception) -> str:
    """Say what failed and what to install."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    lines = ["", f"kalshi_book: its compiled core could not be built: {error}"]
    header = Path(sysconfig.get_path("include"), "Python.h")
    if not header.exists():
        lines.append(f"This Python's headers are missing: there is no {header}.")
    lines += [
        f"It needs a C compiler and the headers of Python {version}:",
        f"    Debian, Ubuntu   apt-get install gcc libc6-dev python{version}-dev",
        "    Fedora, RHEL     dnf install gcc python3-devel",
        "    macOS            xcode-select --install",
        '    Windows          Visual Studio Build Tools, "Desktop development with C++"',
        "Or set KALSHI_BOOK_BUILD=pure to install the plain-Python core: equally exact, many times slower.",
        "",
    ]
    return "\n".join(lines)


if BUILD not in ("compiled", "pure"):
    raise SystemExit(f'KALSHI_BOOK_BUILD: expected "compiled" or "pure", found {BUILD!r}')

setup(
    ext_modules=extensions() if BUILD == "compiled" else [],
    cmdclass={"build_ext": BuildOrSayWhy},
)

"""Check an installed kalshi_book, whose tree is not in sight: python -I check_install.py compiled|pure."""

import subprocess
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

# In a process of its own: what this script imports loads some of them too.
LOADED = "import sys, kalshi_book; print(*{'cryptography', 'socket', 'ssl', 'websockets'} & set(sys.modules))"


def main() -> None:
    """Import it, watch what that does, replay the packaged sample, show the demo."""
    compiled = sys.argv[1] == "compiled"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        import kalshi_book
    said = [str(warning.message) for warning in caught]
    assert len(said) == (0 if compiled else 1), f"warnings on import: {said}"
    assert kalshi_book.IMPLEMENTATION == ("compiled" if compiled else "python"), kalshi_book.IMPLEMENTATION
    assert kalshi_book.__version__ == version("kalshi-book")
    loaded = subprocess.check_output([sys.executable, "-I", "-W", "ignore", "-c", LOADED], text=True).strip()
    assert not loaded, f"importing kalshi_book loads {loaded}"

    package = Path(kalshi_book.__file__).parent
    assert package.is_relative_to(sys.prefix), f"imported from {package}"
    samples = sorted((package / "data").glob("*.ndjson*"))
    assert samples, "no sample tape"
    command = Path(sys.executable).with_name("kalshi-book")
    for sample in samples:
        subprocess.run([command, "replay", sample], check=True, stdin=subprocess.DEVNULL)
    subprocess.run([command, "demo"], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    print(f"kalshi_book {kalshi_book.__version__}, {kalshi_book.IMPLEMENTATION}, Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()

"""Print which lines of src_ext ran, from what gcov counted: python .ci/ext_lines.py BUILD_DIRECTORY.

gcov counts lines of the C file that Cython made. Cython can name its own lines there (emit_linenums), but then every
line of its boilerplate that follows counts as the next line of ours; so the way back is found here, in the comment that
it writes before the code of each statement.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

STATEMENT = re.compile(r'\s*/\* "(.+)":(\d+)$')
# Where the code of a statement ends without another's beginning: clean-up that all of a function shares; its end.
NOBODYS = re.compile(r"\s*/\* function exit code \*/|}")


def origins(c_file: Path) -> dict[int, tuple[str, int]]:
    """Return the file and line of ours that each line of Cython's C file was made from."""
    found: dict[int, tuple[str, int]] = {}
    origin = None
    for number, text in enumerate(c_file.read_text().splitlines(), 1):
        if statement := STATEMENT.match(text):
            origin = (statement[1], int(statement[2]))
        elif NOBODYS.match(text):
            origin = None
        elif origin:
            found[number] = origin
    return found


def executed_lines(build: Path) -> dict[str, dict[int, bool]]:
    """Return for each file of src_ext its lines that hold code, and whether each ran."""
    files: dict[str, dict[int, bool]] = defaultdict(dict)
    for counts in build.rglob("*.gcda"):
        command = ["gcov", "--json-format", "--stdout", str(counts)]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        for file in json.loads(output)["files"]:
            if not file["file"].startswith("src_ext/"):
                continue
            made = origins(Path(file["file"])) if file["file"].endswith("_core.c") else None
            for line in file["lines"]:
                number = line["line_number"]
                origin = (file["file"], number) if made is None else made.get(number)
                if origin and origin[0].startswith("src_ext/"):  # not the classes that Cython adds of its own
                    lines = files[origin[0]]
                    lines[origin[1]] = lines.get(origin[1], False) or line["count"] > 0
    return files


def ranges(numbers: list[int]) -> str:
    """Join line numbers as coverage does: 3, 5-7."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][-1] + 1:
            found[-1].append(number)
        else:
            found.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in found)


def main() -> int:
    """Print the table; fail when there is nothing to count, which a wrong build would look like."""
    files = executed_lines(Path(sys.argv[1]))
    if not files:
        print("no counts of src_ext found: was the extension built with KALSHI_BOOK_COVERAGE=1 and run?")
        return 1
    print(f"{'File':24}  Lines  Ran     %  Missing")
    for name, lines in sorted(files.items()):
        missing = sorted(number for number, ran in lines.items() if not ran)
        ran = len(lines) - len(missing)
        print(f"{name:24} {len(lines):6} {ran:4} {100 * ran / len(lines):5.1f}  {ranges(missing)}")
    total = sum(map(len, files.values()))
    ran = sum(sum(lines.values()) for lines in files.values())
    print(f"{'Total':24} {total:6} {ran:4} {100 * ran / total:5.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Writes the programs of a document to files, so that what is run is what is printed.

    python extract.py DOCUMENT FOLDER

A program is a code block whose first line is a comment with its file name; what follows a colon there is for people.
"""

import pathlib
import re
import sys

document, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
blocks = re.findall(r"^```\w+\n(?:#|//) ([\w./-]+)(?::[^\n]*)?\n(.*?)^```$", document.read_text(), re.M | re.S)
if not blocks:
    sys.exit(f"{document} has no program")
for name, text in blocks:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    print(file)

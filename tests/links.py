"""Fails where a relative link of a document leads nowhere: to no file in this repository, or to no heading of it."""

import re
import sys
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
NOT_OURS = {".git", ".latchkey", ".aws-sam", "node_modules", "target"}
# [text](target) and ![text](target), also with a title; <img src="target"> and <a href="target">.
LINK = re.compile(r'\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)|<(?:a|img|source)\b[^>]*?\b(?:href|src|srcset)="([^"]+)"')
CODE = re.compile(r"^(```|~~~).*?^\1[^\n]*$|`[^`\n]+`", re.MULTILINE | re.DOTALL)


def main() -> int:
    known = {file for file in ROOT.rglob("*") if NOT_OURS.isdisjoint(file.relative_to(ROOT).parts)}
    documents = sorted(file for file in known if file.suffix == ".md")
    links = [(document, link) for document in documents for link in links_of(document)]
    dead = [f"{document.relative_to(ROOT)}: {link}" for document, link in links if not leads_to(known, document, link)]
    print("\n".join(dead) or f"{len(links)} links in {len(documents)} documents lead somewhere")
    return 1 if dead or not links else 0


def links_of(document: Path) -> list[str]:
    text = CODE.sub("", document.read_text(encoding="utf-8"))
    targets = (match[1] or match[2] for match in LINK.finditer(text))
    return [target for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:", target)]


def leads_to(known: set[Path], document: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    target = (document.parent / unquote(path)).resolve() if path else document
    if target not in known:
        return False
    return not heading or (target.suffix == ".md" and heading in headings(target))


def headings(document: Path) -> set[str]:
    """The names that GitHub gives to the headings; of equal ones the second gets -1."""
    text = re.sub(r"^(```|~~~).*?^\1[^\n]*$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    names: dict[str, int] = {}
    found = set()
    for heading in re.findall(r"^#{1,6} +(.+?)\s*$", text, re.MULTILINE):
        shown = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
        name = re.sub(r"[^\w\- ]", "", shown.lower()).replace(" ", "-")
        times = names.get(name, 0)
        names[name] = times + 1
        found.add(f"{name}-{times}" if times else name)
    return found


if __name__ == "__main__":
    sys.exit(main())

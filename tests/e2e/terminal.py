"""What the documents show, typed into a terminal as a reader would."""

import pathlib
import re
import signal
import threading

import pexpect

PROMPT = "\x01(\\d+)\x02"
MORE = "\x03"


def blocks(document, heading, language="sh"):
    """The code blocks of `language` below a heading, up to the next heading."""
    text = pathlib.Path(document).read_text()
    found = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", without_code(text), re.M | re.S)
    if not found:
        raise SystemExit(f"{document} has no heading {heading!r}")
    section = text[found.start(1):found.end(1)]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.M | re.S)


def without_code(text):
    """The document with its code blanked out, so that a comment in a block is no heading; of the same length."""
    return re.sub(r"^```.*?^```$", lambda code: re.sub(r"[^\n]", " ", code[0]), text, flags=re.M | re.S)


def hear_signals():
    """What starts the tests may ignore Ctrl-C, as shells have it for what runs in the background."""
    for each in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
        signal.signal(each, signal.SIG_DFL)


class Terminal:
    """An interactive bash. A line is typed when the one before it has ended; each must succeed."""

    def __init__(self, environment, patience=300):
        # Wide, and without the AWS CLI's pager: what is shown is read by programs.
        self.bash = pexpect.spawn(
            "bash", ["--norc", "--noprofile", "--noediting", "-i"], env=environment | {"AWS_PAGER": ""}, encoding="utf-8",
            echo=False, timeout=patience, dimensions=(50, 1000), preexec_fn=hear_signals,
        )
        # Set in two parts, so that what bash repeats of the line is no prompt.
        self.bash.sendline("PS1=$'\\x01''$?'$'\\x02' PS2=$'\\x03' PROMPT_COMMAND=")
        self.bash.expect(PROMPT)

    def type(self, lines, answers=None, replace=None, status=0):
        """Types `lines`, answers what is asked, and returns what the terminal showed meanwhile.

        `answers` are by regular expressions; of two that match at one place the first is taken.
        """
        answers = answers or {}
        for old, new in (replace or {}).items():
            if old not in lines:
                raise SystemExit(f"not in what is typed: {old!r} in {lines!r}")
            lines = lines.replace(old, new)
        expected = [PROMPT, MORE, *answers]
        shown = ""
        for line in lines.splitlines():
            self.bash.sendline(line)
            while True:
                which = self.bash.expect(expected)
                shown += self.bash.before
                if which > 1:
                    self.bash.sendline(list(answers.values())[which - 2])
                    continue
                break
            if which == 0 and int(self.bash.match[1]) != status:
                raise SystemExit(f"$ {line}\n{shown}\nended with {self.bash.match[1]} and not {status}")
        if which == 1:
            raise SystemExit(f"unfinished: {lines!r}")
        return shown

    def start(self, line, until):
        """Types a command that goes on, and returns what it said until it was ready."""
        self.bash.sendline(line.strip())
        if self.bash.expect([until, PROMPT]):
            raise SystemExit(f"$ {line}\n{self.bash.before}\nended")
        said = self.bash.before + self.bash.after
        self.reading = threading.Event()
        self.reading.set()
        self.reader = threading.Thread(target=self.read_on, daemon=True)
        self.reader.start()
        return said

    def read_on(self):
        """Reads what nobody looks at: a terminal that is full stops the program that writes to it."""
        while self.reading.is_set():
            try:
                self.bash.read_nonblocking(65536, timeout=0.2)
            except pexpect.TIMEOUT:
                pass
            except pexpect.EOF:
                return

    def interrupt(self):
        """Ctrl-C."""
        self.reading.clear()
        self.reader.join()
        self.bash.sendintr()
        self.bash.expect(PROMPT)

    def close(self):
        self.bash.close(force=True)

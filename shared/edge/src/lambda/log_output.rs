//! Standard output as a log that never blocks the function.

use std::{
    os::fd::BorrowedFd,
    sync::{Mutex, PoisonError},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    stdio,
};

/// A pipe that `poll` calls writable has a free page, so it takes this much without blocking (`PIPE_BUF` of Linux).
const PIECE: usize = 4096;
/// How long a line waits for a slow reader.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
/// How long a line waits while the log is blocked, which must not slow each response down.
const NONE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

static STDOUT: LogOutput<'static> = LogOutput::new(stdio::stdout(), PATIENCE);

/// Standard output.
pub(crate) fn stdout() -> &'static LogOutput<'static> {
    &STDOUT
}

/// A log that drops lines rather than wait for its reader: while nobody reads a pipe, a write to it would block the
/// only thread, and with it the deadline of every response.
pub(crate) struct LogOutput<'fd> {
    file: BorrowedFd<'fd>,
    patience: Timespec,
    state: Mutex<State>,
}

struct State {
    /// Whether the last line was dropped.
    blocked: bool,
    /// Lines that were dropped since this was reported.
    lost: u64,
    /// Whether the last line lacks its end.
    cut_off: bool,
}

impl<'fd> LogOutput<'fd> {
    const fn new(file: BorrowedFd<'fd>, patience: Timespec) -> Self {
        Self { file, patience, state: Mutex::new(State { blocked: false, lost: 0, cut_off: false }) }
    }

    /// Writes whole lines, or drops them.
    ///
    /// A closed pipe and a full disk drop them too: a log that cannot be written is no reason to reject a request.
    pub(crate) fn write(&self, lines: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let patience = if state.blocked { &NONE } else { &self.patience };
        state.blocked = self.write_all(lines, &mut state.cut_off, patience).is_err();
        if state.blocked {
            state.lost += 1;
        }
    }

    /// How many lines were dropped since this was asked last; none while the log is blocked.
    pub(crate) fn take_lost(&self) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.blocked || state.lost == 0 {
            return None;
        }
        Some(std::mem::take(&mut state.lost))
    }

    /// Writes `lines`, after the end of a line that was cut off.
    fn write_all(&self, lines: &[u8], cut_off: &mut bool, patience: &Timespec) -> Result<(), Errno> {
        if *cut_off {
            self.write_piece(b"\n", patience)?;
            *cut_off = false;
        }
        for piece in lines.chunks(PIECE) {
            self.write_piece(piece, patience)?;
            *cut_off = true;
        }
        *cut_off = false;
        Ok(())
    }

    fn write_piece(&self, piece: &[u8], patience: &Timespec) -> Result<(), Errno> {
        let mut rest = piece;
        while !rest.is_empty() {
            self.wait(patience)?;
            match rustix::io::write(self.file, rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn wait(&self, patience: &Timespec) -> Result<(), Errno> {
        let mut files = [PollFd::new(&self.file, PollFlags::OUT)];
        loop {
            match poll(&mut files, Some(patience)) {
                Ok(0) => return Err(Errno::TIMEDOUT),
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::OpenOptions,
        io::{PipeReader, Read, pipe},
        os::fd::AsFd,
        thread,
    };

    use super::*;

    /// Reads to the end, in parallel: a pipe holds 64 KiB.
    fn read_all(mut reader: PipeReader) -> thread::JoinHandle<String> {
        thread::spawn(move || {
            let mut text = String::new();
            reader.read_to_string(&mut text).unwrap();
            text
        })
    }

    #[test]
    fn a_pipe_that_nobody_reads_drops_whole_lines_and_says_how_many() {
        let (reader, writer) = pipe().unwrap();
        let log = LogOutput::new(writer.as_fd(), PATIENCE);
        let line = format!("{{\"line\":\"{}\"}}\n", "x".repeat(1000));
        for _ in 0..200 {
            log.write(line.as_bytes());
        }
        assert_eq!(log.take_lost(), None, "nobody reads yet");
        let read = read_all(reader);
        let mut written = 200;
        let lost = loop {
            log.write(line.as_bytes());
            written += 1;
            if let Some(lost) = log.take_lost() {
                break usize::try_from(lost).unwrap();
            }
            thread::yield_now();
        };
        assert!(100 < lost, "a pipe holds 64 KiB: {lost} of {written} lines were lost");
        assert_eq!(log.take_lost(), None, "nothing was lost since");
        drop(writer);
        assert_eq!(read.join().unwrap(), line.repeat(written - lost));
    }

    #[test]
    fn a_long_line_that_was_cut_off_ends_before_the_next_one() {
        let (reader, writer) = pipe().unwrap();
        let log = LogOutput::new(writer.as_fd(), PATIENCE);
        log.write(&vec![b'x'; 100_000]);
        assert!(log.state.lock().unwrap().cut_off);
        let read = read_all(reader);
        while log.take_lost().is_none() {
            log.write(b"next\n");
        }
        drop(writer);
        let text = read.join().unwrap();
        let (cut_off, next) = text.split_once('\n').unwrap();
        assert!(cut_off.len() < 100_000 && cut_off.bytes().all(|byte| byte == b'x'));
        assert_eq!(next, "next\n");
    }

    #[test]
    fn a_slow_reader_loses_nothing() {
        let (reader, writer) = pipe().unwrap();
        let log = LogOutput::new(writer.as_fd(), Timespec { tv_sec: 60, tv_nsec: 0 });
        let read = read_all(reader);
        for _ in 0..100 {
            log.write(&[b'x'; 10_000]);
        }
        drop(writer);
        assert_eq!(read.join().unwrap().len(), 1_000_000);
    }

    #[test]
    fn a_closed_pipe_and_a_full_disk_reject_nothing() {
        let (reader, writer) = pipe().unwrap();
        drop(reader);
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        for file in [writer.as_fd(), full.as_fd()] {
            let log = LogOutput::new(file, PATIENCE);
            log.write(b"line\n");
            assert_eq!(log.state.lock().unwrap().lost, 1);
        }
    }
}

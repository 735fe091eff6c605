use std::sync::{Mutex, PoisonError};

use token::{Seconds, Timestamp};

/// How far ahead the clock goes: longer than the longest session that can be set, 3660 and 366 days.
const FARTHEST: Seconds = Seconds::new(4027 * 86_400);

/// The clock of the local server: the machine's, until somebody moves or stops it.
///
/// It is gone with the process, and no function in AWS has one.
pub struct Clock {
    /// It is never set to a time before this: the demo user and the signing key are not older.
    earliest: Timestamp,
    hands: Mutex<Hands>,
}

#[derive(Clone, Copy)]
enum Hands {
    /// So many seconds ahead of the machine's, or behind.
    Running(i64),
    Stopped(Timestamp),
}

/// Where the clock is to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// To an instant, in seconds since 1970.
    To(u64),
    /// By seconds, forward or back.
    By(i64),
    /// Nowhere.
    Stay,
}

/// The instant is not one that the clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "The clock can be set to any time from {earliest}, when the server started, to {latest}; in seconds \
     since 1970 from {} to {}.", earliest.seconds(), latest.seconds()
)]
pub struct OutOfRange {
    earliest: Timestamp,
    latest: Timestamp,
}

impl Clock {
    /// The machine's clock, for a server that starts at `machine`.
    pub fn new(machine: Timestamp) -> Self {
        Self { earliest: machine, hands: Mutex::new(Hands::Running(0)) }
    }

    /// What it shows while the machine's shows `machine`.
    pub fn now(&self, machine: Timestamp) -> Timestamp {
        self.hands().at(machine)
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        matches!(self.hands(), Hands::Running(_))
    }

    /// Moves it, then lets it run or stops it.
    pub fn set(&self, to: Move, running: bool, machine: Timestamp) -> Result<(), OutOfRange> {
        let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
        let now = hands.at(machine);
        let target = match to {
            Move::To(seconds) => Timestamp::from_seconds(seconds),
            Move::By(seconds) => now.seconds().checked_add_signed(seconds).and_then(Timestamp::from_seconds),
            Move::Stay => Some(now),
        };
        let latest = self.earliest.plus(FARTHEST);
        let in_range = |target: &Timestamp| to == Move::Stay || (self.earliest..=latest).contains(target);
        let Some(target) = target.filter(in_range) else {
            return Err(OutOfRange { earliest: self.earliest, latest });
        };
        // Both are below 2^53.
        let ahead = target.seconds().cast_signed() - machine.seconds().cast_signed();
        *hands = if running { Hands::Running(ahead) } else { Hands::Stopped(target) };
        Ok(())
    }

    /// Makes it the machine's again.
    pub fn reset(&self) {
        *self.hands.lock().unwrap_or_else(PoisonError::into_inner) = Hands::Running(0);
    }

    fn hands(&self) -> Hands {
        *self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hands {
    fn at(self, machine: Timestamp) -> Timestamp {
        match self {
            Self::Running(ahead) => machine
                .seconds()
                .checked_add_signed(ahead)
                .and_then(Timestamp::from_seconds)
                .unwrap_or(machine),
            Self::Stopped(at) => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTED: u64 = 1_685_728_800;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    #[test]
    fn a_clock_that_was_moved_runs_on_and_one_that_was_stopped_stands() {
        let clock = Clock::new(at(STARTED));
        assert_eq!(clock.now(at(STARTED + 5)), at(STARTED + 5));
        clock.set(Move::By(3600), true, at(STARTED + 5)).unwrap();
        assert_eq!(clock.now(at(STARTED + 6)), at(STARTED + 3606));
        clock.set(Move::Stay, false, at(STARTED + 7)).unwrap();
        assert_eq!(clock.now(at(STARTED + 100)), at(STARTED + 3607));
        assert!(!clock.is_running());
        clock.set(Move::By(-7), true, at(STARTED + 100)).unwrap();
        assert_eq!(clock.now(at(STARTED + 101)), at(STARTED + 3601));
        clock.reset();
        assert_eq!(clock.now(at(STARTED + 102)), at(STARTED + 102));
    }

    #[test]
    fn it_is_not_set_before_the_start_of_the_server_nor_beyond_every_session() {
        let clock = Clock::new(at(STARTED));
        let latest = STARTED + 4027 * 86_400;
        for rejected in [
            Move::To(STARTED - 1),
            Move::To(latest + 1),
            Move::To(u64::MAX),
            Move::By(-11),
            Move::By(i64::MIN),
            Move::By(i64::MAX),
        ] {
            let problem = clock.set(rejected, true, at(STARTED + 10)).unwrap_err();
            assert!(problem.to_string().contains(&format!("from {STARTED} to {latest}")), "{problem}");
        }
        assert_eq!(clock.now(at(STARTED + 10)), at(STARTED + 10));
        for taken in [Move::To(STARTED), Move::To(latest)] {
            clock.set(taken, false, at(STARTED + 10)).unwrap();
        }
        assert_eq!(clock.now(at(0)), at(latest));
    }

    #[test]
    fn a_machine_whose_clock_is_set_back_leaves_it_standing_and_running() {
        let clock = Clock::new(at(STARTED));
        clock.set(Move::Stay, true, at(STARTED - 60)).unwrap();
        assert_eq!(clock.now(at(STARTED - 59)), at(STARTED - 59));
    }
}

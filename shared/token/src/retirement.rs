//! A key taken out of its set at once, and who takes its place: there is no instant at which nothing signs.

use crate::{Key, KeySet, RotationError, Schedule, Timestamp};

impl KeySet {
    /// The set without the key called `id` from `now` on; `None` if it has no such key.
    ///
    /// The next key takes over the turn of the one that is gone, at once if that one was signing. Without a
    /// next one the last before it signs on, and without any a new key of the same algorithm signs at once.
    pub fn without(&self, id: &str, now: Timestamp) -> Result<Option<Self>, RotationError> {
        let Some(gone) = self.keys().iter().find(|key| key.id() == id) else { return Ok(None) };
        let turn = gone.schedule().signs_from;
        let (mut later, mut earlier): (Vec<Key>, Vec<Key>) = self
            .keys_alive(now)
            .filter(|key| key.id() != id)
            .cloned()
            .partition(|key| turn < key.schedule().signs_from);
        let signs_from = |key: &&mut Key| key.schedule().signs_from;
        if let Some(next) = later.iter_mut().min_by_key(signs_from) {
            let schedule = next.schedule();
            let signs_from = schedule.signs_from.min(turn.max(now));
            *next = next.with_schedule(Schedule { signs_from, ..schedule })?;
        } else if let Some(last) = earlier.iter_mut().max_by_key(signs_from) {
            *last = last.with_schedule(Schedule { retires: None, ..last.schedule() })?;
        } else {
            let at_once = Schedule { published: now, signs_from: now, retires: None };
            later.push(Key::generate(gone.algorithm(), at_once)?);
        }
        earlier.append(&mut later);
        Ok(Some(Self::new(earlier)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Algorithm, RotationPolicy, Seconds};

    const T: u64 = 1_685_728_800;
    const HOUR: u64 = 3600;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    /// The set after a rotation at each of these instants; the first key signs at once.
    fn rotated_at(instants: &[u64]) -> KeySet {
        let policy = RotationPolicy::new(Algorithm::EdDSA, Seconds::new(3900), Seconds::new(HOUR));
        let rotate =
            |set: Option<KeySet>, now: &u64| Some(KeySet::rotated(set.as_ref(), policy, at(*now)).unwrap());
        instants.iter().fold(None, rotate).unwrap()
    }

    fn without(set: &KeySet, index: usize, now: u64) -> KeySet {
        set.without(set.keys()[index].id(), at(now)).unwrap().unwrap()
    }

    fn id(set: &KeySet, index: usize) -> &str {
        set.keys()[index].id()
    }

    #[test]
    fn the_next_key_takes_over_at_once_from_one_that_was_signing() {
        let set = rotated_at(&[T, T + HOUR]);
        let left = without(&set, 0, T + HOUR + 1);
        assert_eq!(left.keys().len(), 1);
        assert_eq!(left.signing_key(at(T + HOUR + 1)).unwrap().id(), id(&set, 1));
    }

    #[test]
    fn without_a_next_key_the_last_before_signs_on_without_an_end() {
        let set = rotated_at(&[T, T + HOUR]);
        for now in [T + HOUR + 1, T + 4 * HOUR] {
            let left = without(&set, 1, now);
            assert_eq!(left.signing_key(at(now)).unwrap().id(), id(&set, 0));
            assert_eq!(left.keys()[0].schedule().retires, None);
        }
    }

    #[test]
    fn in_place_of_the_only_key_a_new_one_of_its_algorithm_signs_at_once() {
        let bare = KeySet::from_secret(&"k".repeat(50)).unwrap();
        for set in [rotated_at(&[T]), bare] {
            let left = without(&set, 0, T);
            let signer = left.signing_key(at(T)).unwrap();
            assert_eq!(signer.algorithm(), set.keys()[0].algorithm());
            assert!(!signer.is_same_as(&set.keys()[0]));
        }
    }

    #[test]
    fn a_key_that_only_verifies_goes_and_nothing_else_changes() {
        let set = rotated_at(&[T, T + HOUR]);
        let now = T + HOUR + 600 + 2 * HOUR + 1;
        let left = without(&set, 0, now);
        assert_eq!(left.keys().len(), 1);
        assert_eq!(left.keys()[0].schedule(), set.keys()[1].schedule());
    }

    #[test]
    fn of_a_key_that_is_not_there_nothing_is_taken_out() {
        assert!(rotated_at(&[T]).without("other", at(T)).unwrap().is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn whichever_key_goes_one_always_signs_and_the_others_verify_as_long_as_before(
            gaps in prop::collection::vec(0_u64..6 * HOUR, 0..5),
            which in any::<prop::sample::Index>(),
            wait in 0_u64..8 * HOUR,
        ) {
            let mut instants = vec![T];
            for gap in gaps {
                instants.push(instants.last().unwrap() + gap);
            }
            let now = instants.last().unwrap() + wait;
            let set = rotated_at(&instants);
            let index = which.index(set.keys().len());
            let left = without(&set, index, now);
            prop_assert!(left.keys().iter().all(|key| key.id() != id(&set, index)));
            for minute in 0..48 * 60 {
                let later = at(now + 60 * minute);
                prop_assert!(left.signing_key(later).is_some(), "nothing signs after {minute} min");
                for key in set.keys().iter().filter(|key| key.id() != id(&set, index) && key.verifies_at(later)) {
                    prop_assert!(left.verification_key(key.id(), later).is_some());
                }
            }
        }
    }
}

//! A key taken out of its set at once, and who takes its place: there is no instant at which nothing signs.

use crate::{Key, KeySet, NextKeySetError, Schedule, Timestamp, rotation::CLOCK_SKEW};

impl KeySet {
    /// The set without the key called `id` from `now` on; `None` if it has no such key.
    ///
    /// The next key takes over the turn of the one that is gone, at once if that one was signing. Without a
    /// next one the last before it signs on, and without any a new key of the same algorithm signs at once. Only keys
    /// that can sign take turns. `now` is a person's clock, so "at once" is a few minutes ago: functions whose clocks
    /// are behind have a key that signs too.
    pub fn without(&self, id: &str, now: Timestamp) -> Result<Option<Self>, NextKeySetError> {
        let newer = self.newer().alive(now);
        let Some(gone) = self.keys().iter().find(|key| key.id() == id) else {
            let without = self.newer().without(id);
            return Ok(without.map(|newer| Self::with_newer(self.keys().to_vec(), newer)).transpose()?);
        };
        let turn = gone.schedule().signs_from;
        let mut left: Vec<Key> = self.keys_alive(now).filter(|key| key.id() != id).cloned().collect();
        if !gone.can_sign() && !left.is_empty() {
            return Ok(Some(Self::with_newer(left, newer)?));
        }
        let at_once = now.minus(CLOCK_SKEW);
        let signs_from = |key: &&mut Key| key.schedule().signs_from;
        let (later, earlier): (Vec<&mut Key>, Vec<&mut Key>) =
            left.iter_mut().filter(|key| key.can_sign()).partition(|key| turn < key.schedule().signs_from);
        if let Some(next) = later.into_iter().min_by_key(signs_from) {
            let schedule = next.schedule();
            let taken_over = turn.max(at_once).max(schedule.published);
            let signs_from = schedule.signs_from.min(taken_over);
            *next = next.with_schedule(Schedule { signs_from, ..schedule })?;
        } else if let Some(last) = earlier.into_iter().max_by_key(signs_from) {
            *last = last.with_schedule(Schedule { retires: None, ..last.schedule() })?;
        } else {
            let at_once = Schedule { published: at_once, signs_from: at_once, retires: None };
            left.push(Key::generate(gone.algorithm(), at_once)?);
        }
        Ok(Some(Self::with_newer(left, newer)?))
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

    const SKEW: u64 = 300;
    /// From the drawing of a key to its first signature.
    const LEAD: u64 = 600 + 300 + 3900 + 2 * HOUR;

    fn public(signs_from: u64) -> Key {
        let schedule = Schedule { published: at(T - HOUR), signs_from: at(signs_from), retires: None };
        Key::generate(Algorithm::EdDSA, schedule).unwrap().to_public().unwrap()
    }

    /// `set` and a key that others sign with.
    fn and_public(set: &KeySet, signs_from: u64) -> KeySet {
        KeySet::new(set.keys().iter().cloned().chain([public(signs_from)]).collect()).unwrap()
    }

    /// The set after a rotation at each of these instants; the first key signs at once.
    fn rotated_at(instants: &[u64]) -> KeySet {
        let policy = RotationPolicy::new(Algorithm::EdDSA, Seconds::new(3600), Seconds::new(HOUR));
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
        // It was published a second before.
        assert_eq!(left.keys()[0].schedule().signs_from, at(T + HOUR));
        let left = without(&set, 0, T + HOUR + SKEW + 9);
        assert_eq!(left.keys()[0].schedule().signs_from, at(T + HOUR + 9), "for clocks that are behind too");
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
        let bare = KeySet::from_secret(crate::weak_secret::SOUND_BARE).unwrap();
        for set in [rotated_at(&[T]), bare] {
            let left = without(&set, 0, T);
            let signer = left.signing_key(at(T)).unwrap();
            assert_eq!(signer.algorithm(), set.keys()[0].algorithm());
            assert!(!signer.is_same_as(&set.keys()[0]));
            assert!(left.signing_key(at(T - SKEW)).is_some(), "for clocks that are behind too");
        }
    }

    #[test]
    fn a_key_that_only_verifies_goes_and_nothing_else_changes() {
        let set = rotated_at(&[T, T + HOUR]);
        let now = T + HOUR + LEAD + SKEW;
        let left = without(&set, 0, now);
        assert_eq!(left.keys().len(), 1);
        assert_eq!(left.keys()[0].schedule(), set.keys()[1].schedule());
    }

    #[test]
    fn a_key_that_only_verifies_takes_nobody_s_turn_and_keeps_its_end() {
        for turn in [T - 1, T + 1] {
            let set = and_public(&rotated_at(&[T]), turn);
            let left = without(&set, 0, T + 1);
            let signer = left.signing_key(at(T + 1)).expect("a new key");
            assert!(set.keys().iter().all(|key| key.id() != signer.id()));
            assert_eq!(left.keys()[0].schedule(), set.keys()[1].schedule());
            let left = without(&set, 1, T + 1);
            assert_eq!((left.keys().len(), left.keys()[0].schedule()), (1, set.keys()[0].schedule()));
        }
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
            of_others in prop::option::of(0_u64..24 * HOUR),
        ) {
            let mut instants = vec![T];
            for gap in gaps {
                instants.push(instants.last().unwrap() + gap);
            }
            let now = instants.last().unwrap() + wait;
            let set = rotated_at(&instants);
            let set = of_others.map_or(set.clone(), |after| and_public(&set, T + after));
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

/// The value below which this share of all lies.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

pub fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// Orders that are random, and the same in each run (xorshift64*).
pub struct Shuffle(u64);

impl Shuffle {
    pub fn seeded(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub fn number(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number of at least 0 and below 1.
    pub fn fraction(&mut self) -> f64 {
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The numbers below `count` in another order.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<_> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, (self.number() % (last as u64 + 1)) as usize);
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_a_value_of_the_sample() {
        let sample = [5.0, 1.0, 3.0];
        for (share, value) in [(0.0, 1.0_f64), (0.5, 3.0), (1.0, 5.0)] {
            assert!((quantile(&sample, share) - value).abs() < f64::EPSILON);
        }
        assert!((median(&sample) - 3.0).abs() < f64::EPSILON);
    }

    #[test]
    fn an_order_has_each_number_once_and_a_seed_gives_the_same_again() {
        let mut order = Shuffle::seeded(7).order(50);
        assert_eq!(order, Shuffle::seeded(7).order(50));
        assert_ne!(order, Shuffle::seeded(8).order(50));
        order.sort_unstable();
        assert_eq!(order, (0..50).collect::<Vec<_>>());
    }
}

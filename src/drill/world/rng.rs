//! Chance that is the same for the same seed: SplitMix64 (Steele, Lea, Flood 2014). Nothing here is secret.

/// A sequence of numbers.
#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The time to the next arrival of a Poisson process of this rate, seconds.
    pub fn arrival(&mut self, per_second: f64) -> f64 {
        -(1.0 - self.unit()).ln() / per_second.max(1e-6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_come_at_the_rate() {
        let mut rng = Rng::new(1);
        let total: f64 = (0..20_000).map(|_| rng.arrival(40.0)).sum();
        assert!((total - 500.0).abs() < 20.0, "{total}");
        assert_eq!(Rng::new(9).next(), Rng::new(9).next());
    }
}

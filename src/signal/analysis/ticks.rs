//! Where axes are named: at round moments, and at round values.

/// Steps between named moments, in seconds: what clocks show as round.
const STEPS: [i64; 19] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800,
];

/// Round moments from `from` to `until`, milliseconds since 1970; about `most` of them at most.
pub fn moments(from: i64, until: i64, most: u16) -> Vec<i64> {
    let whole = until.saturating_sub(from).max(1);
    let least = whole / i64::from(most.max(1));
    let step = STEPS.iter().map(|s| s * 1_000).find(|step| *step >= least).unwrap_or(least).max(1);
    let first = from.div_euclid(step).saturating_mul(step);
    (0..=i64::from(most.max(1)) + 1)
        .map(|n| first.saturating_add(n.saturating_mul(step)))
        .filter(|t| (from..=until).contains(t))
        .collect()
}

/// What a round step between values is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// 1, 2 or 5 times a power of ten.
    Tens,
    /// A power of two, as bytes are counted.
    Twos,
}

/// The smallest round step that leads over `room` in at most `most` steps. `room` is finite and above zero.
pub fn step(room: f64, most: u16, round: Round) -> f64 {
    let least = room / f64::from(most.max(1));
    let step = match round {
        Round::Twos => 2_f64.powf(least.log2().ceil()),
        Round::Tens => {
            let power = 10_f64.powf(least.log10().floor());
            let reaches = |n: &f64| n * power >= least * 0.999_999;
            [1.0, 2.0, 5.0, 10.0].into_iter().find(reaches).unwrap_or(10.0) * power
        }
    };
    if step.is_normal() { step } else { room }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn steps_are_round() {
        for (room, round, want) in [
            (0.39, Round::Tens, 0.1),
            (1.4, Round::Tens, 0.5),
            (0.012, Round::Tens, 0.005),
            (412.0, Round::Tens, 100.0),
            (5.0, Round::Tens, 1.0),
            (6.1, Round::Tens, 2.0),
            (700.0 * 1024.0, Round::Twos, 256.0 * 1024.0),
        ] {
            let got = step(room, 5, round);
            assert!((got - want).abs() < want * 1e-9, "{room}: {got}");
        }
        assert_eq!(moments(7_000, 1_807_000, 4), [600_000, 1_200_000, 1_800_000]);
        assert_eq!(moments(41_300, 58_900, 5), [45_000, 50_000, 55_000]);
    }

    proptest! {
        #[test]
        fn no_more_than_asked_for(room in 1e-12_f64..1e15, most in 1_u16..12, twos in any::<bool>()) {
            let step = step(room, most, if twos { Round::Twos } else { Round::Tens });
            prop_assert!(step > 0.0 && room / step <= f64::from(most) * 1.001, "{step}");
            prop_assert!(room / step * 2.6 > f64::from(most), "{step} is too wide");
        }

        #[test]
        fn moments_lie_between(from in any::<i64>(), until in any::<i64>(), most in 1_u16..20) {
            let found = moments(from, until, most);
            prop_assert!(found.len() <= usize::from(most) + 2);
            prop_assert!(found.iter().all(|t| (from..=until).contains(t)));
        }
    }
}

//! Chance, by seed: the same seed and the same thing drawn for give the same draw, whoever asks first.

use fastrand::Rng;

use super::invented::Between;

/// The chance of one seed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seed(pub(super) u64);

impl Seed {
    /// A generator for one purpose; `parts` say which. Actors work concurrently, so nothing may be drawn in turn.
    pub(super) fn rng(self, purpose: &str, parts: &[u64]) -> Rng {
        let mut hash = self.0 ^ 0x9e37_79b9_7f4a_7c15;
        let bytes = purpose.bytes().map(u64::from);
        for part in bytes.chain(parts.iter().copied()) {
            hash = mixed(hash ^ part);
        }
        Rng::with_seed(hash)
    }
}

/// The finishing steps of splitmix64.
fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// One of them, as likely as its weight; none only where there is nothing to choose from.
pub(super) fn weighted<T: Copy>(rng: &mut Rng, choices: &[(T, f64)]) -> Option<T> {
    let mut left = rng.f64() * choices.iter().map(|(_, weight)| weight).sum::<f64>();
    let possible = choices.iter().filter(|(_, weight)| *weight > 0.0);
    for (choice, weight) in possible.clone() {
        left -= weight;
        if left < 0.0 {
            return Some(*choice);
        }
    }
    possible.last().map(|(choice, _)| *choice)
}

/// True in so many of a hundred draws.
pub(super) fn percent(rng: &mut Rng, percent: u32) -> bool {
    rng.u32(0..100) < percent
}

/// Evenly from the first to the second number.
pub(super) fn between(rng: &mut Rng, [from, to]: Between) -> u32 {
    rng.u32(from..=to)
}

/// Divides `total` in the proportion of the parts, by largest remainder: the sum is exact.
pub(super) fn apportioned(parts: &[u32], total: u32) -> Vec<u32> {
    let sum: u64 = parts.iter().map(|part| u64::from(*part)).sum();
    if sum == 0 {
        return vec![0; parts.len()];
    }
    let exact = |part: u32| u64::from(part) * u64::from(total);
    let mut shares: Vec<u32> = parts
        .iter()
        .map(|part| u32::try_from(exact(*part) / sum).unwrap_or(u32::MAX))
        .collect();
    let missing = total.saturating_sub(shares.iter().sum());
    let mut by_remainder: Vec<usize> = (0..parts.len()).collect();
    by_remainder.sort_by_key(|index| std::cmp::Reverse(exact(parts[*index]) % sum));
    for index in by_remainder.into_iter().take(missing as usize) {
        shares[index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_and_purpose_draw_the_same_whoever_asks_first() {
        let draw = |seed, purpose, part| Seed(seed).rng(purpose, &[part]).u64(..);
        assert_eq!(draw(1, "minutes", 7), draw(1, "minutes", 7));
        assert_ne!(draw(1, "minutes", 7), draw(2, "minutes", 7));
        assert_ne!(draw(1, "minutes", 7), draw(1, "visit", 7));
        assert_ne!(draw(1, "minutes", 7), draw(1, "minutes", 8));
    }

    #[test]
    fn a_weight_of_nothing_is_never_chosen() {
        let mut rng = Seed(3).rng("test", &[]);
        for _ in 0..1_000 {
            assert_eq!(
                weighted(&mut rng, &[('a', 0.0), ('b', 1.0), ('c', 0.0)]),
                Some('b')
            );
        }
        assert_eq!(weighted::<char>(&mut rng, &[]), None);
    }

    #[test]
    fn shares_add_up_to_the_total() {
        assert_eq!(apportioned(&[627, 110, 20], 757), [627, 110, 20]);
        assert_eq!(apportioned(&[627, 110, 20], 100).iter().sum::<u32>(), 100);
        assert_eq!(apportioned(&[1, 1, 1], 2).iter().sum::<u32>(), 2);
        assert_eq!(apportioned(&[0, 0], 5), [0, 0]);
    }
}

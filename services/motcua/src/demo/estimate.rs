//! How long a replay takes, roughly.

use std::time::Duration;

/// How often the suite is looked at to see what that costs.
pub(super) const LOOKS: u32 = 10;
/// Commands and reactions of a dossier's life, as transactions; many share one.
const STEPS_A_DOSSIER: f64 = 25.0;
/// Transactions that follow each other before a tick is quiet.
const CHAIN_A_TICK: f64 = 6.0;

/// Each tick waits for a chain of commits and some looks; each step of a dossier costs about a tenth of a look.
pub(super) fn of(ticks: u32, dossiers: usize, look: Duration, fsync_per_second: f64) -> Duration {
    let commit = 1.0 / fsync_per_second.max(1.0);
    let look = look.as_secs_f64();
    let dossiers = u32::try_from(dossiers).map_or(f64::from(u32::MAX), f64::from);
    let seconds = f64::from(ticks) * (CHAIN_A_TICK * commit + 3.0 * look)
        + dossiers * STEPS_A_DOSSIER * look / 10.0;
    Duration::from_secs_f64(seconds.clamp(0.0, 1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_dossiers_and_a_slower_disk_take_longer() {
        let look = Duration::from_millis(4);
        assert!(of(1_280, 1_762, look, 2_000.0) < of(1_280, 200_000, look, 2_000.0));
        assert!(of(1_280, 1_762, look, 2_000.0) < of(1_280, 1_762, look, 100.0));
    }
}

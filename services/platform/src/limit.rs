//! How often somebody may ask: so many calls at once, and then so many in a period.

use std::{fmt, hash::Hash, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, MonotonicClock},
    state::keyed::HashMapStateStore,
};

use crate::error::Error;

/// When so many have asked, those that may ask again as if they never had are forgotten.
const REMEMBERED: usize = 10_000;

/// A limit for each of many askers: addresses, principals, codes. Transport's time: it looks at the real clock.
///
/// Each replica counts by itself, so that a suite of *n* replicas allows up to *n* times as much.
pub struct Limit<K: Hash + Eq + Clone> {
    limiter: Arc<RateLimiter<K, HashMapStateStore<K>, MonotonicClock>>,
}

impl<K: Hash + Eq + Clone> Clone for Limit<K> {
    fn clone(&self) -> Self {
        Self {
            limiter: Arc::clone(&self.limiter),
        }
    }
}

impl<K: Hash + Eq + Clone> fmt::Debug for Limit<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Limit")
    }
}

impl<K: Hash + Eq + Clone> Limit<K> {
    /// So many at once; one more whenever the period has passed.
    #[must_use]
    pub fn new(at_once: NonZeroU32, one_more_every: Duration) -> Self {
        let quota = Quota::with_period(one_more_every)
            .unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN))
            .allow_burst(at_once);
        Self {
            limiter: Arc::new(RateLimiter::new(
                quota,
                HashMapStateStore::default(),
                MonotonicClock,
            )),
        }
    }

    /// Counts one more.
    ///
    /// # Errors
    /// [`Error::Limited`] when that is one too many; it is then not counted.
    pub fn count(&self, asker: &K) -> Result<(), Error> {
        if self.limiter.len() > REMEMBERED {
            self.limiter.retain_recent();
        }
        self.limiter
            .check_key(asker)
            .map_err(|not_until| Error::Limited {
                after: not_until.wait_time_from(MonotonicClock.now()),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_asker_has_a_limit_of_its_own_and_is_told_when_to_come_again() {
        let limit = Limit::new(NonZeroU32::new(3).unwrap(), Duration::from_secs(60));
        for _ in 0..3 {
            limit.count(&"a").unwrap();
        }
        let Err(Error::Limited { after }) = limit.count(&"a") else {
            panic!("a fourth was allowed");
        };
        assert!(after > Duration::from_secs(50) && after <= Duration::from_secs(60));
        limit.count(&"b").unwrap();
    }
}

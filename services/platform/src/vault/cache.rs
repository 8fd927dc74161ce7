//! A bounded memory: what was not asked for during the last so many entries is forgotten.

use std::{
    borrow::Borrow,
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Two generations of entries: where the young one is full, it becomes the old one, and the old one is forgotten.
#[derive(Debug)]
pub(super) struct Cache<K, V> {
    generations: Mutex<[HashMap<K, (Instant, V)>; 2]>,
    /// Entries of one generation.
    entries_max: usize,
    /// Longest that an entry is believed. Real time.
    age_max: Duration,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    pub(super) fn new(entries_max: usize, age_max: Duration) -> Self {
        Self {
            generations: Mutex::default(),
            entries_max,
            age_max,
        }
    }

    pub(super) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        if !young.contains_key(key)
            && let Some((key, entry)) = old.remove_entry(key)
        {
            young.insert(key, entry);
        }
        match young.get(key) {
            Some((since, value)) if since.elapsed() < self.age_max => Some(value.clone()),
            Some(_) => {
                young.remove(key);
                None
            }
            None => None,
        }
    }

    /// `since` is when the value was true, which is before it arrived here.
    pub(super) fn put(&self, key: K, value: V, since: Instant) {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        if young.len() >= self.entries_max {
            *old = std::mem::take(young);
        }
        young.insert(key, (since, value));
    }

    /// Forgets whatever is like this.
    pub(super) fn forget(&self, like: impl Fn(&K, &V) -> bool) {
        let mut generations = self
            .generations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for generation in &mut *generations {
            generation.retain(|key, (_, value)| !like(key, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays_and_the_rest_is_forgotten() {
        let cache = Cache::new(10, Duration::from_secs(3600));
        for number in 0..100 {
            cache.put(number, number, Instant::now());
            assert_eq!(cache.get(&0), Some(0));
        }
        assert_eq!(cache.get(&1), None);
        assert_eq!(cache.get(&99), Some(99));
        cache.forget(|_, value| *value == 99);
        assert_eq!(cache.get(&99), None);
    }

    #[test]
    fn what_is_too_old_is_not_believed() {
        let cache = Cache::new(10, Duration::ZERO);
        cache.put(1, 1, Instant::now());
        assert_eq!(cache.get(&1), None);
    }
}

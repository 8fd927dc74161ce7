//! The end of the history, in memory: whoever follows closely is served from here, and PostgreSQL reads nothing again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use motcua_proto::events::v1::Event;

use super::{Filter, Written};

/// Events that are kept. Some of them may be large, but no more than a batch of a follower has anyway.
const KEPT_MAX: usize = 1_024;

/// The last events that this process has written. Another replica's are missing: then the rows are read.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    epoch: i64,
    events: BTreeMap<i64, Arc<Event>>,
}

impl Tail {
    pub(super) fn keep(&self, written: Written) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.epoch != written.epoch {
            kept.epoch = written.epoch;
            kept.events.clear();
        }
        for event in written.events {
            kept.events.insert(event.position, Arc::new(event));
        }
        while kept.events.len() > KEPT_MAX {
            kept.events.pop_first();
        }
    }

    /// The range, both ends included, if all of it is here.
    pub(super) fn recall(
        &self,
        epoch: i64,
        from: i64,
        through: i64,
        filter: &Filter,
    ) -> Option<Vec<Event>> {
        let length = usize::try_from(through.checked_sub(from)?.checked_add(1)?).ok()?;
        let events: Vec<_> = {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.epoch != epoch || length > kept.events.len() {
                return None;
            }
            kept.events
                .range(from..=through)
                .map(|(_, event)| Arc::clone(event))
                .collect()
        };
        (events.len() == length).then(|| {
            events
                .iter()
                .filter(|event| filter.wants(event))
                .map(|event| Event::clone(event))
                .collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::Scope;

    fn written(epoch: i64, positions: impl IntoIterator<Item = i64>) -> Written {
        let events = positions.into_iter().map(|position| Event {
            position,
            kind: i32::try_from(position % 2).unwrap(),
            name: "jars/a".to_owned(),
            ..Event::default()
        });
        Written {
            epoch,
            events: events.collect(),
            timer: None,
        }
    }

    fn all() -> Filter {
        Filter {
            kinds: None,
            agencies: Vec::new(),
            dossier: String::new(),
            scope: Scope::city(),
        }
    }

    fn positions(events: Option<Vec<Event>>) -> Option<Vec<i64>> {
        events.map(|events| events.iter().map(|event| event.position).collect())
    }

    #[test]
    fn a_range_is_recalled_whole_or_not_at_all() {
        let tail = Tail::default();
        let all = all();
        // As two lanes may tell, and as another replica's event leaves a hole.
        tail.keep(written(1, 4..=6));
        tail.keep(written(1, [1, 2]));
        assert_eq!(positions(tail.recall(1, 4, 6, &all)), Some(vec![4, 5, 6]));
        assert_eq!(positions(tail.recall(1, 2, 4, &all)), None);
        assert_eq!(positions(tail.recall(1, 6, 7, &all)), None);
        assert_eq!(positions(tail.recall(1, 1, i64::MAX, &all)), None);
        assert_eq!(positions(tail.recall(2, 4, 6, &all)), None);
        let odd = Filter {
            kinds: Some(vec![1]),
            ..all.clone()
        };
        assert_eq!(positions(tail.recall(1, 4, 6, &odd)), Some(vec![5]));
    }

    #[test]
    fn who_may_not_see_an_event_does_not_find_it_in_memory_either() {
        let tail = Tail::default();
        tail.keep(written(1, 1..=3));
        let elsewhere = Filter {
            scope: Scope::of_agencies(["11407".to_owned()]),
            ..all()
        };
        assert_eq!(positions(tail.recall(1, 1, 3, &elsewhere)), Some(vec![]));
    }

    #[test]
    fn old_events_and_those_of_another_epoch_are_forgotten() {
        let tail = Tail::default();
        let all = all();
        let last = i64::try_from(KEPT_MAX).unwrap() + 5;
        tail.keep(written(1, 1..=last));
        assert_eq!(positions(tail.recall(1, 5, 6, &all)), None);
        assert_eq!(positions(tail.recall(1, 6, 7, &all)), Some(vec![6, 7]));
        tail.keep(written(2, [last + 1]));
        assert_eq!(positions(tail.recall(1, 6, 7, &all)), None);
    }
}

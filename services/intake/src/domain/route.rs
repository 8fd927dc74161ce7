//! A day's way from door to door: within their windows, the nearest comes next.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// Metres of a degree of latitude. A ward is small: a flat map does for it.
const METRES_A_DEGREE: f64 = 111_320.0;
/// Metres a minute, as the crow flies: 15 km/h through the streets of a ward.
const METRES_A_MINUTE: f64 = 250.0;
/// A way of which one end is not known.
const UNKNOWN_WAY: SignedDuration = SignedDuration::from_mins(10);
/// At each door.
const VISIT: SignedDuration = SignedDuration::from_mins(30);

/// A place on a map (WGS 84), in degrees.
#[derive(Clone, Copy, PartialEq)]
pub struct Location {
    /// North.
    pub latitude: f64,
    /// East.
    pub longitude: f64,
}

impl Location {
    /// `None` for what is on no map, and for two zeros, which are what nobody has filled in.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        let is_on_map = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        let is_given = latitude != 0.0 || longitude != 0.0;
        (is_on_map && is_given).then_some(Self {
            latitude,
            longitude,
        })
    }

    /// Six places are a hand's breadth.
    #[must_use]
    pub fn written(&self) -> String {
        format!("{:.6},{:.6}", self.latitude, self.longitude)
    }

    /// As [`Location::written`] wrote it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (latitude, longitude) = text.split_once(',')?;
        Self::new(latitude.parse().ok()?, longitude.parse().ok()?)
    }

    /// As the crow flies.
    #[must_use]
    pub fn metres_to(&self, other: &Self) -> f64 {
        let middle = f64::midpoint(self.latitude, other.latitude).to_radians();
        let north = other.latitude - self.latitude;
        let east = (other.longitude - self.longitude) * middle.cos();
        north.hypot(east) * METRES_A_DEGREE
    }
}

/// Where somebody lives is never printed.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Location(***)")
    }
}

/// Somewhere to go.
#[derive(Debug, Clone, PartialEq)]
pub struct Stop {
    /// The dossier's code.
    pub dossier: String,
    /// Begin of the time window.
    pub from: Timestamp,
    /// End of the time window.
    pub to: Timestamp,
    /// Where, if that is known.
    pub location: Option<Location>,
}

/// The stops in the order of the way, each with the metres from the place before, where both are known.
///
/// Next comes where one can be soonest, the way and a wait for the window counted, unless whoever's window ends first could then
/// not be reached within it any more: then it is them. A way is reckoned at 15 km/h as the crow flies, a visit at half an hour.
#[must_use]
pub fn route(mut left: Vec<Stop>, start: Option<Location>) -> Vec<(Stop, Option<f64>)> {
    let mut way = Vec::with_capacity(left.len());
    let mut here = start;
    let mut now = left.iter().map(|stop| stop.from).min().unwrap_or_default();
    while !left.is_empty() {
        let place = next(&left, here, now);
        let stop = left.remove(place);
        let metres = distance(here, &stop);
        now = after(arrival(here, now, &stop), VISIT);
        here = stop.location.or(here);
        way.push((stop, metres));
    }
    way
}

/// The place among the stops of the one that comes next.
fn next(left: &[Stop], here: Option<Location>, now: Timestamp) -> usize {
    let first = left
        .iter()
        .enumerate()
        .min_by_key(|&(_, stop)| urgency(stop));
    let Some((first, urgent)) = first else {
        return 0;
    };
    let leaves_time = |stop: &Stop| {
        let free = after(arrival(here, now, stop), VISIT);
        arrival(stop.location.or(here), free, urgent) < urgent.to
    };
    left.iter()
        .enumerate()
        .filter(|(place, stop)| *place == first || leaves_time(stop))
        .min_by_key(|&(_, stop)| (arrival(here, now, stop), urgency(stop)))
        .map_or(first, |(place, _)| place)
}

/// Whose window ends first; then by codes.
fn urgency(stop: &Stop) -> (Timestamp, Timestamp, &str) {
    (stop.to, stop.from, &stop.dossier)
}

fn distance(here: Option<Location>, stop: &Stop) -> Option<f64> {
    Some(here?.metres_to(stop.location.as_ref()?))
}

/// When somebody who sets out now is at the door, and its window has begun.
fn arrival(here: Option<Location>, now: Timestamp, stop: &Stop) -> Timestamp {
    let takes = distance(here, stop).map_or(UNKNOWN_WAY, |metres| {
        SignedDuration::from_secs_f64(metres / METRES_A_MINUTE * 60.0)
    });
    after(now, takes).max(stop.from)
}

/// There is no later than the last instant of all, at which somebody may arrange a visit.
fn after(at: Timestamp, takes: SignedDuration) -> Timestamp {
    at.checked_add(takes).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_751_300_000 + hour * 3_600).unwrap()
    }

    fn stop(dossier: &str, window: (i64, i64), place: Option<(f64, f64)>) -> Stop {
        Stop {
            dossier: dossier.to_owned(),
            from: at(window.0),
            to: at(window.1),
            location: place.and_then(|(north, east)| Location::new(north, east)),
        }
    }

    fn order(stops: Vec<Stop>, start: Option<(f64, f64)>) -> Vec<String> {
        let start = start.and_then(|(north, east)| Location::new(north, east));
        let way = route(stops, start);
        way.into_iter().map(|(stop, _)| stop.dossier).collect()
    }

    #[test]
    fn the_nearest_comes_next() {
        let morning = (8, 11);
        let stops = vec![
            stop("far", morning, Some((20.90, 106.60))),
            stop("near", morning, Some((20.86, 106.60))),
            stop("between", morning, Some((20.88, 106.60))),
        ];
        assert_eq!(
            order(stops.clone(), Some((20.85, 106.60))),
            ["near", "between", "far"]
        );
        assert_eq!(
            order(stops, Some((20.91, 106.60))),
            ["far", "between", "near"]
        );
    }

    #[test]
    fn a_window_that_has_not_begun_waits_and_one_that_ends_does_not() {
        let stops = vec![
            stop("afternoon, next door", (13, 16), Some((20.85, 106.60))),
            stop("morning, far", (8, 11), Some((20.95, 106.60))),
        ];
        assert_eq!(
            order(stops, Some((20.85, 106.60))),
            ["morning, far", "afternoon, next door"]
        );
    }

    #[test]
    fn where_no_place_is_known_windows_decide() {
        let stops = vec![
            stop("c", (9, 12), None),
            stop("b", (8, 11), None),
            stop("a", (8, 11), None),
        ];
        assert_eq!(order(stops.clone(), None), ["a", "b", "c"]);
        let known = stop("d", (8, 12), Some((20.85, 106.61)));
        let stops: Vec<_> = stops.into_iter().chain([known]).collect();
        // What is known to be near comes before what may be anywhere.
        assert_eq!(order(stops, Some((20.85, 106.61))), ["d", "a", "b", "c"]);
    }

    #[test]
    fn many_near_doors_with_long_windows_do_not_keep_a_short_window_waiting_until_it_is_over() {
        let far = stop("far, until nine", (8, 9), Some((20.90, 106.60)));
        let near = (0..20).map(|number| {
            let north = 20.85 + f64::from(number) * 0.000_1;
            stop(&format!("near {number:02}"), (8, 12), Some((north, 106.60)))
        });
        let start = Location::new(20.85, 106.60);
        let way = route(near.chain([far]).collect(), start);
        // One visit next door, half an hour, then 22 minutes to the far one.
        assert_eq!(way[1].0.dossier, "far, until nine");
        // Whoever is waited for all day is not waited for at a door.
        let stops = vec![
            stop("afternoon, next door", (13, 16), Some((20.85, 106.60))),
            stop("all day, far", (8, 17), Some((20.95, 106.60))),
        ];
        assert_eq!(
            order(stops, Some((20.85, 106.60))),
            ["all day, far", "afternoon, next door"]
        );
    }

    #[test]
    fn a_kilometre_is_a_kilometre() {
        let from = Location::new(20.85, 106.60).unwrap();
        let north = Location::new(20.859, 106.60).unwrap();
        let east = Location::new(20.85, 106.6096).unwrap();
        for metres in [from.metres_to(&north), from.metres_to(&east)] {
            assert!((990.0..1_010.0).contains(&metres), "{metres}");
        }
        assert_eq!(Location::read(&from.written()), Some(from));
        assert_eq!(Location::new(91.0, 0.0), None);
        assert_eq!(Location::new(f64::NAN, 0.0), None);
        assert_eq!(Location::new(0.0, 0.0), None);
        assert_eq!(Location::read("20.85"), None);
    }

    #[test]
    fn the_last_instant_of_all_is_the_last() {
        let last = Stop {
            from: Timestamp::MAX - SignedDuration::from_mins(1),
            to: Timestamp::MAX,
            ..stop("a", (8, 9), Some((20.85, 106.60)))
        };
        let other = Stop {
            dossier: "b".to_owned(),
            ..last.clone()
        };
        assert_eq!(order(vec![other, last], Some((-80.0, -179.0))), ["a", "b"]);
    }

    fn stops() -> impl Strategy<Value = Vec<Stop>> {
        let one = (
            0..24_i64,
            1..6_i64,
            proptest::option::of((20.0..21.0, 106.0..107.0)),
        );
        proptest::collection::vec(one, 0..20).prop_map(|drawn| {
            let named = drawn.into_iter().enumerate();
            named
                .map(|(number, (from, length, place))| {
                    stop(&format!("{number:02}"), (from, from + length), place)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn everybody_is_visited_once_and_whoever_can_wait_least_is_still_reached(stops in stops()) {
            let start = Location::new(20.5, 106.5);
            let way = route(stops.clone(), start);
            let mut visited: Vec<_> = way.iter().map(|(stop, _)| stop.dossier.clone()).collect();
            let mut here = start;
            let mut now = stops.iter().map(|stop| stop.from).min().unwrap_or_default();
            for (place, (stop, _)) in way.iter().enumerate() {
                let left = || way[place..].iter().map(|(stop, _)| stop);
                let urgent = left().min_by_key(|stop| (stop.to, stop.from, &stop.dossier)).unwrap();
                let could = arrival(here, now, urgent) < urgent.to;
                now = after(arrival(here, now, stop), VISIT);
                here = stop.location.or(here);
                let can = stop == urgent || arrival(here, now, urgent) < urgent.to;
                prop_assert!(!could || can, "{} before {}", stop.dossier, urgent.dossier);
            }
            visited.sort();
            let all: Vec<_> = stops.into_iter().map(|stop| stop.dossier).collect();
            prop_assert_eq!(visited, all);
        }
    }
}

//! A day's way from door to door: within their windows, the nearest comes next.

use jiff::Timestamp;

/// Metres of a degree of latitude. A ward is small: a flat map does for it.
const METRES_A_DEGREE: f64 = 111_320.0;

/// A place on a map (WGS 84), in degrees.
#[derive(Debug, Clone, Copy, PartialEq)]
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
/// Whoever's window ends first must not wait until it is over: so the next is always one whose window has begun by then, of
/// those the nearest. Where nothing is known of places, windows and codes decide.
#[must_use]
pub fn route(mut left: Vec<Stop>, start: Option<Location>) -> Vec<(Stop, Option<f64>)> {
    let mut way = Vec::with_capacity(left.len());
    let mut here = start;
    while let Some(first_end) = left.iter().map(|stop| stop.to).min() {
        let distance = |stop: &Stop| Some(here?.metres_to(stop.location.as_ref()?));
        let next = left
            .iter()
            .enumerate()
            .filter(|(_, stop)| stop.from < first_end)
            .min_by(|(_, a), (_, b)| {
                let far = |stop| distance(stop).unwrap_or(f64::INFINITY);
                far(a)
                    .total_cmp(&far(b))
                    .then_with(|| (a.from, a.to, &a.dossier).cmp(&(b.from, b.to, &b.dossier)))
            })
            .map(|(place, _)| place);
        // Whoever's window ends first has begun before that, unless it never was a window.
        let stop = left.remove(next.unwrap_or_default());
        let metres = distance(&stop);
        here = stop.location.or(here);
        way.push((stop, metres));
    }
    way
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
        let known = stop("d", (9, 10), Some((20.85, 106.60)));
        let stops: Vec<_> = stops.into_iter().chain([known]).collect();
        // With a beginning, what is on the map comes first.
        assert_eq!(order(stops, Some((20.85, 106.61))), ["d", "a", "b", "c"]);
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
        fn everybody_is_visited_once_and_nobody_before_a_window_that_is_over(stops in stops()) {
            let way = route(stops.clone(), Location::new(20.5, 106.5));
            let mut visited: Vec<_> = way.iter().map(|(stop, _)| stop.dossier.clone()).collect();
            for (place, (stop, _)) in way.iter().enumerate() {
                for (later, _) in &way[place..] {
                    prop_assert!(stop.from < later.to, "{stop:?} before {later:?}");
                }
            }
            visited.sort();
            let all: Vec<_> = stops.into_iter().map(|stop| stop.dossier).collect();
            prop_assert_eq!(visited, all);
        }
    }
}

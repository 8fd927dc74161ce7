//! How far the replay is: a bar on a terminal, a line a week elsewhere.

use std::{io::IsTerminal as _, sync::Mutex, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::{Timestamp, civil::Date};
use motcua_calendar::local;
use tokio::time::Instant;

use super::town::Tally;

/// Without a terminal, a line for so many simulated days.
const DAYS_A_LINE: i32 = 7;

/// Shows how far it is.
#[derive(Debug)]
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    dossiers: usize,
    begun: Instant,
    last_line: Mutex<Option<Date>>,
}

impl Progress {
    pub(super) fn new(dossiers: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(dossiers as u64);
            let style = ProgressStyle::with_template(
                "{bar:32} {pos}/{len} finished  {msg}  {elapsed}, {eta} to go",
            );
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar
        });
        Self {
            bar,
            dossiers,
            begun: Instant::now(),
            last_line: Mutex::new(None),
        }
    }

    pub(super) fn show(&self, now: Timestamp, tally: &Tally, commands: u64) {
        let clock = local(now);
        let rate = rate(commands, self.begun.elapsed());
        if let Some(bar) = &self.bar {
            bar.set_position(tally.finished as u64);
            bar.set_message(format!(
                "{}  {rate:.0} commands/s",
                clock.strftime("%a %d %b %H:%M")
            ));
            return;
        }
        let mut last = self
            .last_line
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let today = clock.date();
        let due = last.is_none_or(|last| (today - last).get_days() >= DAYS_A_LINE);
        if due {
            *last = Some(today);
            eprintln!(
                "  {}  {} of {} finished, {rate:.0} commands/s",
                today.strftime("%a %d %b %Y"),
                tally.finished,
                self.dossiers
            );
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Per second.
#[expect(clippy::cast_precision_loss, reason = "a rate for the eye")]
pub(super) fn rate(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64().max(1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_per_second_and_never_endless() {
        assert!((rate(300, Duration::from_secs(2)) - 150.0).abs() < 1e-9);
        assert!(rate(5, Duration::ZERO).is_finite());
    }
}

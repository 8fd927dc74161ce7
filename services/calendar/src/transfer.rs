//! By when a dossier is with the agency that decides, where another centre received it.

use jiff::Timestamp;
use jiff::civil::Time;

use crate::calendar::{Calendar, Moment, OutOfRange};
use crate::hours::minute_of;

/// The cut-off of a transfer: what is received later goes the next working day.
pub const TRANSFER_CUTOFF: Time = Time::constant(15, 0, 0, 0);

/// Working minutes of the next working day that are its beginning, "đầu giờ": what goes the first thing has gone by then.
pub const FIRST_THING_MINUTES: u32 = 60;

impl Calendar {
    /// By when a dossier received at that instant is to be transferred: by the close of the same working day, or where it was
    /// received after the cut-off, or on a day that is no working day, within the first hour of the next one. The minute of
    /// the cut-off itself is still before it. Decree 118/2025, art. 18.
    pub fn transfer_due(&self, received: Timestamp, cutoff: Time) -> Result<Timestamp, OutOfRange> {
        let Moment { day, minute } = Moment::of(received);
        let closing = self.hours(day).working().last().map(|last| last.close);
        if let Some(closing) = closing.filter(|&closing| minute <= closing.min(minute_of(cutoff))) {
            return Moment {
                day,
                minute: closing,
            }
            .instant();
        }
        let morning = Moment {
            day: self.next_working_day(day)?,
            minute: 0,
        };
        self.add_working_minutes(morning.instant()?, FIRST_THING_MINUTES)
    }
}

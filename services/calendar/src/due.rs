//! When a limit ends, and how a result is judged against it.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::calendar::{Calendar, Moment, OutOfRange, tomorrow};
use crate::explain::{Explanation, Line, Notes, Reason, note};
use crate::limit::{Count, Limit};
use crate::walk::{self, DayLimit, Pause};
use crate::{hours, local};

/// What hour is printed on a due day: data on the agency. It does not change how the day is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DueHour {
    /// The closing hour: by law the last day counts whole.
    #[default]
    EndOfDay,
    /// The clock time of reception, as many centres print it; moved into the opening hours of the
    /// due day where it lies outside them. A due on the day of reception itself prints the closing
    /// hour.
    SameTime,
}

/// Time that does not count against the agency: from asking for a supplement or a payment until it
/// is provided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hold {
    /// When it was asked for.
    pub from: Timestamp,
    /// When it was provided; `None` while it is still awaited. Provided outside opening hours, it
    /// counts from the next opening, as any submission does.
    pub to: Option<Timestamp>,
}

/// The end of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Due {
    /// The last day, in Việt Nam.
    pub day: Date,
    /// The instant to print; never outside opening hours.
    pub at: Timestamp,
    /// The first instant that is too late: for a limit in days the midnight after `day`, for a limit
    /// in hours the end of the due minute.
    pub judged_until: Timestamp,
    /// Since when an open hold has stopped the clock. The due is then the earliest possible: open
    /// holds move it only when they end.
    pub held_since: Option<Timestamp>,
}

/// How a result is judged by its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Before the due day.
    Early,
    /// On the due day, and for a limit in hours by the due minute.
    OnTime,
    /// Later.
    Overdue,
}

/// The last minute of a limit, and whether the day counts to its end.
struct End {
    at: Moment,
    whole_day: bool,
}

impl Due {
    /// Judges a result that was ready at that instant. While a hold is open, the clock stands where
    /// the hold began.
    pub fn judge(&self, ready: Timestamp) -> Standing {
        let ready = self.held_since.map_or(ready, |since| since.min(ready));
        if ready >= self.judged_until {
            Standing::Overdue
        } else if local(ready).date() < self.day {
            Standing::Early
        } else {
            Standing::OnTime
        }
    }
}

impl Calendar {
    /// When the limit ends for a dossier received at that instant.
    ///
    /// - A reception outside opening hours is moved to the next opening ([`Calendar::received_at`]).
    /// - Received in a reception-only session, a same-day limit ends with that session whatever the
    ///   cut-off; working days begin with the next working day; working time with the next working
    ///   session.
    /// - **Holds** may come in any order and overlap; what lies before reception is cut off. A limit
    ///   in working time runs on with the minutes that remained. A limit in days moves by the working
    ///   (or calendar) days after the asking up to and including the day of provision, if it was asked
    ///   for by the end of the due day. A same-day limit moves as working days do, and its cut-off
    ///   applies to the provision as it does to reception, because only then is the dossier complete.
    ///   No due is ever before the provision.
    /// - **Stages** follow one another. A stage in days does not count the day on which the one before it ended (art. 147), and one
    ///   in working time runs on from that minute. A hold moves the stage in which it began, and with it those that follow.
    pub fn due(
        &self,
        received: Timestamp,
        limit: &Limit,
        hour: DueHour,
        holds: &[Hold],
    ) -> Result<Due, OutOfRange> {
        self.reckon(received, limit, hour, holds, &mut None)
    }

    /// When a time ends that begins with an event, and with no reception: something is asked for, or a notice is posted. Whether the
    /// counter is open then does not matter: the event's own day is left out, and no other. Civil Code 2015, art. 147.
    ///
    /// # Errors
    /// As for [`Calendar::due`].
    pub fn term(&self, event: Timestamp, limit: &Limit, holds: &[Hold]) -> Result<Due, OutOfRange> {
        let hour = DueHour::EndOfDay;
        self.reckon_from(Moment::of(event), limit, hour, holds, &mut None)
    }

    /// The same due as [`Calendar::due`], by the same walk, with a line for every step of it.
    pub fn explain(
        &self,
        received: Timestamp,
        limit: &Limit,
        hour: DueHour,
        holds: &[Hold],
    ) -> Result<Explanation, OutOfRange> {
        let mut lines = Vec::new();
        let due = self.reckon(received, limit, hour, holds, &mut Some(&mut lines))?;
        Ok(Explanation {
            received: self.received_at(received)?,
            limit: limit.clone(),
            lines,
            due,
        })
    }

    fn reckon(
        &self,
        submitted: Timestamp,
        limit: &Limit,
        hour: DueHour,
        holds: &[Hold],
        notes: &mut Notes<'_>,
    ) -> Result<Due, OutOfRange> {
        let received = self.received_at(submitted)?;
        if received != submitted {
            note(notes, || {
                Line::new(local(submitted).date(), Reason::OutsideHours { received })
            });
        }
        self.reckon_from(Moment::of(received), limit, hour, holds, notes)
    }

    fn reckon_from(
        &self,
        start: Moment,
        limit: &Limit,
        hour: DueHour,
        holds: &[Hold],
        notes: &mut Notes<'_>,
    ) -> Result<Due, OutOfRange> {
        let (pauses, open) = self.pauses(start, holds)?;
        let end = self.end(start, start, limit, hour, &pauses, notes)?;
        let held_since = note_open(open, notes)?;
        let at = end.at.instant()?;
        let judged_until = if end.whole_day {
            let midnight = Moment {
                day: tomorrow(end.at.day)?,
                minute: 0,
            };
            midnight.instant()?
        } else {
            at.checked_add(jiff::SignedDuration::from_mins(1))
                .map_err(|_| OutOfRange::Beyond)?
        };
        Ok(Due {
            day: end.at.day,
            at,
            judged_until,
            held_since,
        })
    }

    /// Where a limit ends that begins at `start`: at the reception, or when a stage before it ended.
    fn end(
        &self,
        received: Moment,
        start: Moment,
        limit: &Limit,
        hour: DueHour,
        pauses: &[Pause],
        notes: &mut Notes<'_>,
    ) -> Result<End, OutOfRange> {
        let days = match limit.count() {
            Count::WorkingMinutes(0) | Count::WorkingDays(0) | Count::CalendarDays(0) => {
                return Err(OutOfRange::EmptyLimit);
            }
            Count::Stages(stages) => {
                let mut end = End {
                    at: start,
                    whole_day: false,
                };
                for (index, stage) in stages.iter().enumerate() {
                    note(notes, || {
                        let reason = Reason::Stage {
                            nth: index + 1,
                            of: stages.iter().len(),
                            limit: stage.clone(),
                        };
                        Line::new(end.at.day, reason)
                    });
                    end = self.end(received, end.at, stage, hour, pauses, notes)?;
                }
                return Ok(end);
            }
            Count::WorkingMinutes(minutes) => {
                return Ok(End {
                    at: walk::working_minutes(self, start, minutes, pauses, notes)?,
                    whole_day: false,
                });
            }
            Count::WorkingDays(days) => DayLimit::Working(days),
            Count::CalendarDays(days) => DayLimit::Calendar(days),
            Count::SameDay { cutoff } => DayLimit::Same {
                cutoff: hours::minute_of(cutoff),
            },
        };
        let day = walk::days(self, start, days, pauses, notes)?;
        Ok(End {
            at: Moment {
                day,
                minute: self.printed_minute(day, received, hour, pauses),
            },
            whole_day: true,
        })
    }

    /// The minute of the due day to print.
    fn printed_minute(&self, day: Date, received: Moment, hour: DueHour, pauses: &[Pause]) -> u16 {
        let hours = self.hours(day);
        let closing = hours.closing().unwrap_or(received.minute);
        if day == received.day {
            // On the spot in a reception session: it ends with the session in which it is complete.
            let complete = pauses
                .iter()
                .map(|pause| pause.to)
                .filter(|to| to.day == day)
                .fold(received, Moment::max);
            return hours
                .reception_only_at(complete.minute)
                .map_or(closing, |session| session.close);
        }
        match hour {
            DueHour::EndOfDay => closing,
            DueHour::SameTime if hours.working_at(received.minute).is_some() => received.minute,
            DueHour::SameTime => {
                let next_opening = hours
                    .working()
                    .iter()
                    .map(|session| session.open)
                    .find(|&open| open > received.minute);
                next_opening.unwrap_or(closing)
            }
        }
    }

    /// The closed holds as local, sorted, disjoint pauses after reception, and the beginning of the
    /// first that is still open.
    fn pauses(
        &self,
        start: Moment,
        holds: &[Hold],
    ) -> Result<(Vec<Pause>, Option<Moment>), OutOfRange> {
        let mut closed = Vec::with_capacity(holds.len());
        let mut open: Option<Moment> = None;
        for hold in holds {
            let from = Moment::of(hold.from).max(start);
            let Some(to) = hold.to else {
                open = Some(open.map_or(from, |first| first.min(from)));
                continue;
            };
            if to < hold.from {
                return Err(OutOfRange::HoldBackwards {
                    from: hold.from,
                    to,
                });
            }
            let to = Moment::of(self.received_at(to)?);
            if to > from {
                closed.push(Pause { from, to });
            }
        }
        closed.sort_unstable_by_key(|pause| pause.from);
        // `dedup_by` hands over the later pause first; it is absorbed by the earlier one.
        closed.dedup_by(|later, earlier| {
            let joined = later.from <= earlier.to;
            if joined {
                earlier.to = earlier.to.max(later.to);
            }
            joined
        });
        Ok((closed, open))
    }
}

fn note_open(open: Option<Moment>, notes: &mut Notes<'_>) -> Result<Option<Timestamp>, OutOfRange> {
    let Some(moment) = open else { return Ok(None) };
    let since = moment.instant()?;
    note(notes, || Line::new(moment.day, Reason::HoldOpen { since }));
    Ok(Some(since))
}

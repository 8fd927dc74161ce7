//! Why a dossier is due when it is: the rule, what the calendar counted and what it left out, and what moved the due since.

use jiff::Timestamp;
use motcua_calendar::{Calendar, Hold, Limit, Line, Reason, local};
use motcua_platform::catalog;
use motcua_proto::r#type::v1::Agency;

use super::{Teller, counted};
use crate::domain::{dossier::Reception, moves::Place};

impl Teller<'_> {
    /// Only while there is something to wait for.
    pub(super) fn why_then(&self) -> Option<String> {
        if self.dossier.has_ended() || self.dossier.place() == Place::ResultReady {
            return None;
        }
        let reception = self.dossier.reception.as_ref()?;
        let agency = self.catalog.agency(&self.dossier.receiving_agency)?;
        let limit = &reception.limit;
        let calendar = self.calendar()?;
        let explanation = calendar
            .explain(reception.received_at, limit, catalog::due_hour(agency), &[])
            .ok()?;
        let mut why = self.rule(reception);
        let mut notes: Vec<_> = self
            .outside_hours(&calendar, reception)
            .into_iter()
            .collect();
        notes.extend(self.notes(&explanation.lines));
        if notes.is_empty() {
            why.push('.');
        } else {
            why += ": ";
            why += &notes.join("; ");
            why.push('.');
        }
        if explanation.due.at != reception.due_at {
            why.push(' ');
            why += &self.moved(explanation.due.at, reception, &calendar, agency);
        }
        Some(why)
    }

    /// From when, and how long.
    fn rule(&self, reception: &Reception) -> String {
        let received = self.time(reception.received_at);
        let (vietnamese, english) = allowed(&reception.limit);
        let mut rule = self.say(
            format!("Hạn trả tính từ lúc tiếp nhận, {received}, {vietnamese}"),
            format!("The due date follows from the reception at {received} and {english}"),
        );
        if reception.first_limit.is_some() {
            rule += &self.say(
                ", được áp dụng trong quá trình giải quyết thay cho thời hạn ghi trên giấy tiếp nhận".to_owned(),
                ", which was chosen during the work in place of the receipt's limit".to_owned(),
            );
        }
        rule
    }

    /// When the acceptance's submission, or the supplement that completed it, came while the counter was closed.
    fn outside_hours(&self, calendar: &Calendar, reception: &Reception) -> Option<String> {
        let handed_in = match self.dossier.asked {
            None => self.dossier.submitted_at,
            Some(_) => self.dossier.supplemented_at?,
        };
        let opening = calendar.received_at(handed_in).ok()?;
        if opening == handed_in {
            return None;
        }
        let (came, received) = (self.time(handed_in), self.time(reception.received_at));
        // A later day than that of the opening has another cause.
        Some(
            if local(opening).date() == local(reception.received_at).date() {
                self.say(
                    format!("nộp ngoài giờ nên tiếp nhận lúc {received}"),
                    format!("submitted outside opening hours, so received at {received}"),
                )
            } else {
                self.say(
                    format!("nộp ngoài giờ, lúc {came}, và tiếp nhận lúc {received}"),
                    format!(
                        "submitted outside opening hours, at {came}, and received at {received}"
                    ),
                )
            },
        )
    }

    fn moved(
        &self,
        first: Timestamp,
        reception: &Reception,
        calendar: &Calendar,
        agency: &Agency,
    ) -> String {
        let cause = self.cause_of_move(first, reception, calendar, agency);
        let (first, due) = (self.time(first), self.time(reception.due_at));
        self.say(
            format!("Ngày hẹn trả đã dời từ {first} sang {due}{cause}."),
            format!("It was moved from {first} to {due}{cause}."),
        )
    }

    /// The calendar says how far the holds alone move it; what is beyond that is an extension. Where neither fits, the cause is not
    /// known here.
    fn cause_of_move(
        &self,
        first: Timestamp,
        reception: &Reception,
        calendar: &Calendar,
        agency: &Agency,
    ) -> String {
        if self.dossier.holds.is_empty() && self.dossier.asked_by_case.is_some() {
            return self.say(
                " vì thời gian chờ bổ sung, chờ nộp phí hoặc do gia hạn".to_owned(),
                " by a wait for papers or a payment, or by an extension".to_owned(),
            );
        }
        let (limit, hour) = (&reception.limit, catalog::due_hour(agency));
        let due = calendar.due(reception.received_at, limit, hour, &self.past_holds());
        let Ok(held) = due.map(|due| due.at) else {
            return String::new();
        };
        let mut causes = Vec::new();
        if held != first && held <= reception.due_at {
            causes.push(self.waited());
        }
        if held < reception.due_at {
            causes.push(self.say(
                "do được gia hạn kèm văn bản xin lỗi (Mẫu 04)".to_owned(),
                "by an extension with a letter of apology (Mẫu 04)".to_owned(),
            ));
        }
        if causes.is_empty() {
            return String::new();
        }
        format!(
            " {}",
            causes.join(if self.english { ", and " } else { " và " })
        )
    }

    fn past_holds(&self) -> Vec<Hold> {
        let past = self.dossier.holds.iter().filter(|hold| hold.to.is_some());
        past.map(|hold| Hold {
            from: hold.from,
            to: hold.to,
        })
        .collect()
    }

    /// For what the case has waited.
    fn waited(&self) -> String {
        let waited = |payment| {
            let mut past = self.dossier.holds.iter().filter(|hold| hold.to.is_some());
            past.any(|hold| hold.payment == payment)
        };
        let (vietnamese, english) = match (waited(false), waited(true)) {
            (true, true) => (
                "chờ ông/bà bổ sung giấy tờ, chờ ông/bà nộp phí, lệ phí",
                "the waits for papers and for a payment",
            ),
            (false, true) => ("chờ ông/bà nộp phí, lệ phí", "the wait for a payment"),
            _ => ("chờ ông/bà bổ sung giấy tờ", "the wait for papers"),
        };
        self.say(
            format!("vì thời gian {vietnamese} không tính vào thời hạn giải quyết"),
            format!("by {english}, in which no time counts"),
        )
    }

    /// What is out of the ordinary among the steps of the walk, each kind once.
    fn notes(&self, lines: &[Line]) -> Vec<String> {
        let mut notes = Vec::new();
        let mut days_off = Vec::new();
        // Only the first stage begins with the reception.
        let mut stages = false;
        for line in lines {
            let day = line.day.strftime("%d/%m").to_string();
            let clock = |time: &jiff::civil::Time| time.strftime("%H:%M").to_string();
            match &line.reason {
                // By the calendar in force, where the receipt was written under another one.
                Reason::OutsideHours { received } => {
                    let received = self.time(*received);
                    notes.push(self.say(
                        format!("lúc tiếp nhận nằm ngoài giờ làm việc nên tính từ {received}"),
                        format!("the reception lies outside opening hours, so time counts from {received}"),
                    ));
                }
                Reason::FirstDay if !stages => notes.push(self.say(
                    format!("không tính ngày tiếp nhận {day} (Điều 147 Bộ luật Dân sự 2015)"),
                    format!("the day of reception, {day}, is left out (Civil Code 2015, art. 147)"),
                )),
                Reason::Stage { nth, limit, .. } if *nth > 1 => {
                    stages = true;
                    let (vietnamese, english) = (length_of(limit, false), length_of(limit, true));
                    notes.push(self.say(
                        format!("giai đoạn {nth} ({vietnamese}) tính tiếp từ ngày {day}"),
                        format!("stage {nth} ({english}) follows from {day}"),
                    ));
                }
                Reason::CutoffPassed { cutoff } => notes.push(self.say(
                    format!(
                        "tiếp nhận sau {} nên trả vào ngày làm việc tiếp theo",
                        clock(cutoff)
                    ),
                    format!(
                        "received after {}, so due the next working day",
                        clock(cutoff)
                    ),
                )),
                Reason::Holiday(name) => days_off.push(format!("{day} ({name})")),
                Reason::DayOff | Reason::ReceptionOnly => days_off.push(day),
                Reason::SwappedWorkingDay(name) => notes.push(self.say(
                    format!("{day} là ngày làm việc bù ({name})"),
                    format!("{day} is a working day in place of another ({name})"),
                )),
                Reason::LastDayMoved => notes.push(self.say(
                    format!(
                        "ngày cuối là ngày nghỉ nên dời sang {day} (Điều 148 Bộ luật Dân sự 2015)"
                    ),
                    format!("the last day is off and moves to {day} (Civil Code 2015, art. 148)"),
                )),
                _ => {}
            }
        }
        if !days_off.is_empty() {
            let days = days_off.join(", ");
            notes.push(self.say(
                format!("không tính ngày nghỉ {days}"),
                format!("days off do not count: {days}"),
            ));
        }
        notes
    }
}

/// A limit as what is allowed, in Vietnamese and in English: only a length is one that something lies within.
fn allowed(limit: &Limit) -> (String, String) {
    let (vietnamese, english) = (length_of(limit, false), length_of(limit, true));
    if is_same_day_at_first(limit) {
        (
            format!("giải quyết {vietnamese}"),
            format!("the rule that it is to be resolved {english}"),
        )
    } else {
        (
            format!("trong thời hạn {vietnamese}"),
            format!("the limit of {english}"),
        )
    }
}

fn is_same_day_at_first(limit: &Limit) -> bool {
    match limit {
        Limit::SameDay { .. } => true,
        Limit::Staged(stages) => stages.iter().next().is_some_and(is_same_day_at_first),
        _ => false,
    }
}

/// A limit in words.
pub(in super::super) fn length_of(limit: &Limit, english: bool) -> String {
    let say = |vietnamese: String, in_english: String| {
        if english { in_english } else { vietnamese }
    };
    match limit {
        Limit::SameDay { .. } => say("trong ngày".to_owned(), "the same day".to_owned()),
        Limit::WorkingDays { halves } => {
            let days = f64::from(*halves) / 2.0;
            say(
                format!("{days} ngày làm việc").replace('.', ","),
                counted(&days.to_string(), "working day"),
            )
        }
        Limit::WorkingHours { minutes } => {
            let hours = f64::from(*minutes) / 60.0;
            say(
                format!("{hours} giờ làm việc").replace('.', ","),
                counted(&hours.to_string(), "working hour"),
            )
        }
        Limit::CalendarDays { days } => say(
            format!("{days} ngày"),
            counted(&days.to_string(), "calendar day"),
        ),
        Limit::Staged(stages) => {
            let lengths: Vec<_> = stages
                .iter()
                .map(|stage| length_of(stage, english))
                .collect();
            lengths.join(if english { ", then " } else { ", sau đó " })
        }
    }
}

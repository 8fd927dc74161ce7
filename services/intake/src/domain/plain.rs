//! Where a dossier stands, in plain words: who has it and since when, what comes next, how long still, and why it is due
//! then. Made from the state and the calendar's own explanation, so that the words cannot differ from the rules.

use jiff::Timestamp;
use motcua_calendar::{Calendar, Limit, Line, Reason};
use motcua_platform::catalog::{self, Catalog};
use motcua_proto::{intake::v1::Language, r#type::v1::HandOverMethod};

use super::{
    dossier::{Dossier, Reception},
    moves::Place,
};

/// Half a working day is four working hours everywhere.
const MINUTES_PER_DAY: i64 = 8 * 60;

/// Sentences, in the order in which somebody asks.
#[must_use]
pub fn tell(
    dossier: &Dossier,
    catalog: &Catalog,
    in_force: Option<&Catalog>,
    now: Timestamp,
    language: Language,
) -> Vec<String> {
    let teller = Teller {
        dossier,
        catalog,
        in_force,
        now,
        english: language == Language::English,
    };
    [
        Some(teller.who_has_it()),
        teller.what_comes_next(),
        teller.how_long_still(),
        teller.why_then(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

struct Teller<'a> {
    dossier: &'a Dossier,
    /// The one that it stands under.
    catalog: &'a Catalog,
    /// The one whose calendars count: days off are what they are for everybody.
    in_force: Option<&'a Catalog>,
    now: Timestamp,
    english: bool,
}

impl<'a> Teller<'a> {
    fn say(&self, vietnamese: String, english: String) -> String {
        if self.english { english } else { vietnamese }
    }

    /// A code says something to a program only; it is better than nothing where a catalog lacks the title.
    fn title(&self, agency: &'a str) -> &'a str {
        self.catalog
            .agency(agency)
            .map_or(agency, |agency| &agency.title)
    }

    fn time(&self, at: Timestamp) -> String {
        let format = if self.english {
            "%H:%M on %d/%m/%Y"
        } else {
            "%H giờ %M ngày %d/%m/%Y"
        };
        motcua_calendar::local(at).strftime(format).to_string()
    }

    fn who_has_it(&self) -> String {
        let receiving = self.title(&self.dossier.receiving_agency);
        let competent = self.title(&self.dossier.competent_agency);
        let since = self.time(self.dossier.status_since);
        match self.dossier.place() {
            Place::Submitted => self.say(
                format!("Hồ sơ đang chờ {receiving} tiếp nhận, từ {since}."),
                format!("The dossier has been waiting for {receiving} to receive it since {since}."),
            ),
            Place::Incomplete => self.say(
                format!("Hồ sơ đang chờ ông/bà bổ sung giấy tờ, từ {since}."),
                format!("The dossier has been waiting for papers from you since {since}."),
            ),
            Place::Accepted | Place::InProgress => self.say(
                format!("{competent} đang giải quyết hồ sơ, từ {since}."),
                format!("{competent} has been working on the dossier since {since}."),
            ),
            Place::AwaitingSupplement => self.say(
                format!("Hồ sơ đang chờ ông/bà bổ sung giấy tờ theo yêu cầu của {competent}, từ {since}."),
                format!("The dossier has been waiting since {since} for papers that {competent} asked you for."),
            ),
            Place::AwaitingPayment => self.say(
                format!("Hồ sơ đang chờ ông/bà nộp phí, lệ phí, từ {since}."),
                format!("The dossier has been waiting for your payment since {since}."),
            ),
            Place::Refused => self.say(
                format!("{receiving} đã từ chối tiếp nhận hồ sơ, lúc {since}."),
                format!("{receiving} refused the dossier at {since}."),
            ),
            Place::Withdrawn => self.say(
                format!("Hồ sơ đã được rút theo yêu cầu, lúc {since}."),
                format!("The dossier was withdrawn at {since}."),
            ),
            Place::Stopped => self.say(
                format!("{competent} đã dừng giải quyết hồ sơ, lúc {since}."),
                format!("{competent} stopped the dossier at {since}."),
            ),
            Place::ResultReady => self.say(
                format!("Đã có kết quả giải quyết, từ {since}."),
                format!("The result has been ready since {since}."),
            ),
            Place::HandedOver => self.say(
                format!("Kết quả đã được trả {}, lúc {since}.", self.way()),
                format!("The result was handed over {}, at {since}.", self.way()),
            ),
        }
    }

    /// How the result reaches, or reached, the applicant.
    fn way(&self) -> &'static str {
        let method = self
            .dossier
            .handed_over
            .as_ref()
            .map_or(self.dossier.hand_over_method, |it| it.method);
        match (method, self.english) {
            (HandOverMethod::Post, false) => "qua dịch vụ bưu chính",
            (HandOverMethod::Post, true) => "by post",
            (HandOverMethod::Home, false) => "tại nhà",
            (HandOverMethod::Home, true) => "at home",
            (HandOverMethod::Online, false) => "trực tuyến",
            (HandOverMethod::Online, true) => "online",
            (HandOverMethod::Counter | HandOverMethod::Unspecified, false) => "tại quầy",
            (HandOverMethod::Counter | HandOverMethod::Unspecified, true) => "at the counter",
        }
    }

    fn what_comes_next(&self) -> Option<String> {
        let receiving = self.title(&self.dossier.receiving_agency);
        let competent = self.title(&self.dossier.competent_agency);
        let answer_due = self.time(self.dossier.acceptance_due_at);
        let due = self.dossier.due_at().map(|due| self.time(due));
        Some(match self.dossier.place() {
            Place::Submitted => self.say(
                format!("Tiếp theo: {receiving} tiếp nhận, yêu cầu bổ sung hoặc từ chối, chậm nhất {answer_due}."),
                format!("Next: {receiving} receives it, asks for more, or refuses it, by {answer_due}."),
            ),
            Place::Incomplete => {
                let due = self.time(self.dossier.awaited()?.due_at);
                self.say(
                    format!("Tiếp theo: ông/bà bổ sung, chậm nhất {due}; quá hạn, hồ sơ bị từ chối tiếp nhận."),
                    format!("Next: you hand in what is missing, by {due}; after that the dossier is refused."),
                )
            }
            Place::Accepted | Place::InProgress => {
                let (due, way) = (due?, self.way());
                self.say(
                    format!("Tiếp theo: trả kết quả {way}, hẹn {due}."),
                    format!("Next: the result is handed over {way}, due {due}."),
                )
            }
            Place::AwaitingSupplement | Place::AwaitingPayment => {
                let asked = self.dossier.awaited().map(|asked| self.time(asked.due_at));
                let (until, until_english) = asked.map_or_else(Default::default, |due| {
                    (
                        format!(", chậm nhất {due}, quá hạn hồ sơ bị dừng giải quyết"),
                        format!(", by {due}, after which the dossier is stopped"),
                    )
                });
                self.say(
                    format!("Tiếp theo: khi nhận đủ{until}, {competent} giải quyết tiếp; thời gian chờ không tính vào thời hạn giải quyết."),
                    format!("Next: once that has come{until_english}, {competent} goes on; the wait does not count against the limit."),
                )
            }
            Place::ResultReady => self.say(
                format!("Tiếp theo: ông/bà nhận kết quả {}.", self.way()),
                format!("Next: you receive the result {}.", self.way()),
            ),
            Place::Refused | Place::Withdrawn | Place::Stopped => self.say(
                "Hồ sơ này đã kết thúc; nếu cần, ông/bà có thể nộp hồ sơ mới.".to_owned(),
                "This dossier has ended; you may submit a new one.".to_owned(),
            ),
            Place::HandedOver => return None,
        })
    }

    /// While the agency's time runs; nobody is told how long they may still wait for themselves.
    fn how_long_still(&self) -> Option<String> {
        let due = match self.dossier.place() {
            Place::Submitted => self.dossier.acceptance_due_at,
            Place::Accepted | Place::InProgress => self.dossier.due_at()?,
            _ => return None,
        };
        let calendar = self.calendar()?;
        Some(if self.now <= due {
            let left = self.length(calendar.elapsed_working_minutes(self.now, due));
            self.say(format!("Còn {left}."), format!("{left} are left."))
        } else {
            let over = self.length(calendar.elapsed_working_minutes(due, self.now));
            self.say(
                format!("Đã quá hạn {over}; chúng tôi xin lỗi ông/bà về sự chậm trễ này."),
                format!("It is late by {over}; we apologise."),
            )
        })
    }

    fn calendar(&self) -> Option<&'a Calendar> {
        let of = |catalog: &'a Catalog| {
            let agency = catalog.agency(&self.dossier.receiving_agency)?;
            catalog.calendar_of(agency).map(AsRef::as_ref)
        };
        self.in_force.and_then(of).or_else(|| of(self.catalog))
    }

    /// Working time in days of eight hours.
    fn length(&self, minutes: i64) -> String {
        let (days, rest) = (minutes / MINUTES_PER_DAY, minutes % MINUTES_PER_DAY);
        let parts = [
            (days, "ngày", "working day(s)"),
            (rest / 60, "giờ", "hour(s)"),
            (rest % 60, "phút", "minute(s)"),
        ];
        let told: Vec<_> = parts
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, vietnamese, english)| {
                self.say(
                    format!("{number} {vietnamese}"),
                    format!("{number} {english}"),
                )
            })
            .collect();
        if told.is_empty() {
            return self.say("0 phút làm việc".to_owned(), "0 minutes".to_owned());
        }
        let told = told.join(" ");
        self.say(format!("{told} làm việc"), told.clone())
    }

    /// Only while there is something to wait for.
    fn why_then(&self) -> Option<String> {
        if self.dossier.has_ended() || self.dossier.place() == Place::ResultReady {
            return None;
        }
        let reception = self.dossier.reception.as_ref()?;
        let agency = self.catalog.agency(&self.dossier.receiving_agency)?;
        let limit = &reception.limit;
        let explanation = self
            .calendar()?
            .explain(reception.received_at, limit, catalog::due_hour(agency), &[])
            .ok()?;
        let received = self.time(reception.received_at);
        let length = length_of(limit, self.english);
        let mut why = self.say(
            format!("Hạn trả tính từ lúc tiếp nhận, {received}, trong thời hạn {length}"),
            format!("The due follows from the reception at {received} and the limit of {length}"),
        );
        if reception.first_limit.is_some() {
            why += &self.say(
                ", được áp dụng trong quá trình giải quyết thay cho thời hạn ghi trên giấy tiếp nhận".to_owned(),
                ", which was chosen during the work in place of the receipt's".to_owned(),
            );
        }
        let notes = self.notes(&explanation.lines);
        if notes.is_empty() {
            why.push('.');
        } else {
            why += ": ";
            why += &notes.join("; ");
            why.push('.');
        }
        if explanation.due.at != reception.due_at {
            why.push(' ');
            why += &self.moved(explanation.due.at, reception);
        }
        Some(why)
    }

    fn moved(&self, first: Timestamp, reception: &Reception) -> String {
        let (first, due) = (self.time(first), self.time(reception.due_at));
        self.say(
            format!("Ngày hẹn trả đã dời từ {first} sang {due} vì thời gian chờ bổ sung, chờ nộp phí hoặc do gia hạn."),
            format!("It was moved from {first} to {due}, by a wait for papers or a payment, or by an extension."),
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
                Reason::OutsideHours { received } => {
                    let received = self.time(*received);
                    notes.push(self.say(
                        format!("nộp ngoài giờ nên tiếp nhận lúc {received}"),
                        format!("submitted outside opening hours, received at {received}"),
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

/// A limit in words.
pub(super) fn length_of(limit: &Limit, english: bool) -> String {
    let say = |vietnamese: String, in_english: String| {
        if english { in_english } else { vietnamese }
    };
    match limit {
        Limit::SameDay { .. } => say("trong ngày".to_owned(), "the same day".to_owned()),
        Limit::WorkingDays { halves } => {
            let days = f64::from(*halves) / 2.0;
            say(
                format!("{days} ngày làm việc").replace('.', ","),
                format!("{days} working days"),
            )
        }
        Limit::WorkingHours { minutes } => {
            let hours = f64::from(*minutes) / 60.0;
            say(
                format!("{hours} giờ làm việc").replace('.', ","),
                format!("{hours} working hours"),
            )
        }
        Limit::CalendarDays { days } => {
            say(format!("{days} ngày"), format!("{days} calendar days"))
        }
        Limit::Staged(stages) => {
            let lengths: Vec<_> = stages
                .iter()
                .map(|stage| length_of(stage, english))
                .collect();
            lengths.join(if english { ", then " } else { ", sau đó " })
        }
    }
}

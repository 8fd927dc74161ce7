//! Where a dossier stands, in plain words: who has it and since when, what comes next, how long still, and why it is due
//! then. Made from the state and the calendar's own explanation, so that the words cannot differ from the rules.

mod why;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use motcua_calendar::{Calendar, local};
use motcua_forms::dong;
use motcua_platform::catalog::Catalog;
use motcua_proto::{
    intake::v1::Language,
    r#type::v1::{FormSet, HandOverMethod},
};

use super::{body::body, dossier::Dossier, moves::Place};

pub(super) use self::why::length_of;

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
        teller.on_which_way(),
        teller.what_comes_next(),
        teller.how_long_still(),
        teller.why_then(),
        teller.who_helped(),
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
    fn name(&self, agency: &str) -> String {
        let agency = self.catalog.agency(agency).map_or(agency, |it| &it.title);
        body(agency)
    }

    fn time(&self, at: Timestamp) -> String {
        let format = if self.english {
            "%H:%M on %d/%m/%Y"
        } else {
            "%H giờ %M ngày %d/%m/%Y"
        };
        local(at).strftime(format).to_string()
    }

    fn who_has_it(&self) -> String {
        let receiving = self.name(&self.dossier.receiving_agency);
        let competent = self.name(&self.dossier.competent_agency);
        let since = self.time(self.dossier.status_since);
        match self.dossier.place() {
            Place::Submitted => self.say(
                format!("Hồ sơ đang chờ {receiving} tiếp nhận, từ {since}."),
                format!(
                    "The dossier has been waiting for {receiving} to receive it since {since}."
                ),
            ),
            Place::Incomplete => self.say(
                format!("Hồ sơ đang chờ ông/bà bổ sung giấy tờ, từ {since}."),
                format!("The dossier has been waiting for papers from you since {since}."),
            ),
            Place::Accepted | Place::InProgress => self.who_works_on_it(&competent, &since),
            Place::AwaitingSupplement => {
                let asked_by = self.dossier.awaited().map_or("", |asked| &asked.by);
                let by = if asked_by.is_empty() {
                    competent
                } else {
                    self.name(asked_by)
                };
                self.say(
                    format!("Hồ sơ đang chờ ông/bà bổ sung giấy tờ theo yêu cầu của {by}, từ {since}."),
                    format!("The dossier has been waiting since {since} for papers that {by} asked you for."),
                )
            }
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

    /// The competent agency, with those that branches of a linked procedure lie with. Whether the main line has work while they do
    /// is not known here.
    fn who_works_on_it(&self, competent: &str, since: &str) -> String {
        let others = self.others_at_work();
        if others.is_empty() {
            return self.say(
                format!("{competent} đang giải quyết hồ sơ, từ {since}."),
                format!("{competent} has been working on the dossier since {since}."),
            );
        }
        self.say(
            format!(
                "{competent} (từ {since}) cùng {} đang giải quyết hồ sơ.",
                others.join(", ")
            ),
            format!(
                "{competent} (since {since}) is working on the dossier together with {}.",
                others.join(", ")
            ),
        )
    }

    /// Where another centre received it, whether the competent agency has it yet. Nobody asks for that once it is decided.
    fn on_which_way(&self) -> Option<String> {
        if !self.dossier.place().is_in_work() {
            return None;
        }
        let transfer = self.dossier.transfer.as_ref()?;
        let receiving = self.name(&self.dossier.receiving_agency);
        let competent = self.name(&self.dossier.competent_agency);
        let due = self.time(transfer.due_at);
        Some(match transfer.transferred_at {
            Some(at) => {
                let at = self.time(at);
                self.say(
                    format!("{competent} đã nhận hồ sơ do {receiving} chuyển đến, lúc {at}."),
                    format!("{competent} has had the dossier from {receiving} since {at}."),
                )
            }
            None if transfer.is_late() => self.say(
                format!(
                    "Hồ sơ giấy do {receiving} tiếp nhận chưa đến {competent}, dù phải chuyển chậm nhất {due}; thời hạn giải quyết vẫn \
                     tính từ lúc tiếp nhận."
                ),
                format!(
                    "The papers that {receiving} received have not come to {competent}, which was due by {due}; the limit runs from the \
                     reception all the same."
                ),
            ),
            None => self.say(
                format!("Hồ sơ giấy đang được {receiving} chuyển đến {competent}, chậm nhất {due}."),
                format!("The papers are on their way from {receiving} to {competent}, by {due}."),
            ),
        })
    }

    /// Which organisation helped to submit it, where one did.
    fn who_helped(&self) -> Option<String> {
        let dossier = self.dossier;
        let helping = match dossier.helping_agency.as_str() {
            "" if dossier.helping_revision() == 0 => return None,
            // What it is called is not told to everybody who has the code.
            "" => self.say(
                "một tổ chức khác".to_owned(),
                "another organisation".to_owned(),
            ),
            agency => body(&self.name(agency)),
        };
        Some(self.say(
            format!("Hồ sơ được nộp với sự hỗ trợ của {helping}."),
            format!("The dossier was submitted with the help of {helping}."),
        ))
    }

    /// Each once, since it began the first of its branches.
    fn others_at_work(&self) -> Vec<String> {
        let mut since = BTreeMap::new();
        for it in &self.dossier.at_work {
            if it.agency != self.dossier.competent_agency {
                let first = since.entry(it.agency.as_str()).or_insert(it.since);
                *first = it.since.min(*first);
            }
        }
        since
            .into_iter()
            .map(|(agency, since)| {
                let (name, since) = (self.name(agency), self.time(since));
                self.say(
                    format!("{name} (từ {since})"),
                    format!("{name} (since {since})"),
                )
            })
            .collect()
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
        let receiving = self.name(&self.dossier.receiving_agency);
        let competent = self.name(&self.dossier.competent_agency);
        let answer_due = self.time(self.dossier.acceptance_due_at);
        let due = self.dossier.due_at().map(|due| self.time(due));
        Some(match self.dossier.place() {
            Place::Submitted => self.say(
                format!("Tiếp theo: {receiving} tiếp nhận, yêu cầu bổ sung hoặc từ chối, chậm nhất {answer_due}."),
                format!("Next: {receiving} receives it, asks for more, or refuses it, by {answer_due}."),
            ),
            Place::Incomplete => self.say(
                "Tiếp theo: ông/bà bổ sung giấy tờ; quá hạn, hồ sơ bị từ chối tiếp nhận.".to_owned(),
                "Next: you hand in what is missing; if it does not come in time, the dossier is refused.".to_owned(),
            ),
            Place::Accepted | Place::InProgress => {
                let (due, way) = (due?, self.way());
                self.say(
                    format!("Tiếp theo: trả kết quả {way}, hẹn {due}."),
                    format!("Next: the result is handed over {way}, due {due}."),
                )
            }
            Place::AwaitingSupplement | Place::AwaitingPayment => self.say(
                format!("Tiếp theo: khi nhận đủ, {competent} giải quyết tiếp; quá hạn, hồ sơ bị dừng giải quyết."),
                format!("Next: once that has come, {competent} goes on; if it does not come in time, the dossier is stopped."),
            ),
            Place::ResultReady => self.say(
                format!("Tiếp theo: ông/bà nhận kết quả {}.", self.way()),
                format!("Next: you receive the result {}.", self.way()),
            ),
            Place::Refused => self.after_a_refusal(),
            Place::Withdrawn => self.say(
                "Hồ sơ này đã kết thúc theo yêu cầu của ông/bà; khi cần thực hiện lại thủ tục, ông/bà nộp hồ sơ mới.".to_owned(),
                "This dossier has ended as you asked; to take the matter up again, submit a new one.".to_owned(),
            ),
            Place::Stopped => self.say(
                "Hồ sơ này đã kết thúc; lý do, căn cứ, việc hoàn trả phí, lệ phí và bản chính giấy tờ được nêu trong \
                 Thông báo dừng giải quyết hồ sơ (Mẫu 05), có tại nơi tiếp nhận hồ sơ."
                    .to_owned(),
                "This dossier has ended; the notice of the stop (Mẫu 05), to be had where it was received, gives the reason and the \
                 ground, and says how fees and originals are given back."
                    .to_owned(),
            ),
            Place::HandedOver => return None,
        })
    }

    fn after_a_refusal(&self) -> String {
        let procedure = self.catalog.procedure(&self.dossier.procedure);
        let form = match procedure.map(|procedure| procedure.form_set()) {
            Some(FormSet::Residence) => "CT06",
            _ => "03",
        };
        self.say(
            format!(
                "Hồ sơ này đã kết thúc; lý do và căn cứ được nêu trong Phiếu từ chối tiếp nhận giải quyết hồ sơ (Mẫu {form}), có tại \
                 nơi nộp hồ sơ; nếu cần, ông/bà có thể nộp hồ sơ mới."
            ),
            format!(
                "This dossier has ended; the notice of refusal (Mẫu {form}), to be had where it was submitted, gives the reason and the \
                 ground; you may submit a new one."
            ),
        )
    }

    /// Of the agency's time while that runs; while it stands still, by when the applicant is to act.
    fn how_long_still(&self) -> Option<String> {
        match self.dossier.place() {
            Place::Submitted => self.time_left(self.dossier.acceptance_due_at),
            Place::Accepted | Place::InProgress if self.is_the_due_day() => Some(self.say(
                "Hôm nay là ngày hẹn trả, nhưng đã hết giờ làm việc.".to_owned(),
                "Today is the due day, and the office has closed.".to_owned(),
            )),
            Place::Accepted | Place::InProgress => self.time_left(self.dossier.due_at()?),
            Place::Incomplete | Place::AwaitingSupplement | Place::AwaitingPayment => {
                Some(self.time_to_act())
            }
            _ => None,
        }
    }

    /// A due in days counts to the end of its day, although the hour that is printed has passed.
    fn is_the_due_day(&self) -> bool {
        let Some(reception) = &self.dossier.reception else {
            return false;
        };
        let due = reception.due_at;
        let is_today = local(due).date() == local(self.now).date();
        !reception.limit.ends_by_the_minute() && self.now > due && is_today
    }

    fn time_left(&self, due: Timestamp) -> Option<String> {
        let calendar = self.calendar()?;
        Some(if self.now <= due {
            let minutes = calendar.elapsed_working_minutes(self.now, due);
            let left = self.length(minutes);
            let are = if is_one(minutes) { "is" } else { "are" };
            self.say(format!("Còn {left}."), format!("{left} {are} left."))
        } else {
            // Over days off no working time passes, and it is late all the same.
            let (over, by) = match calendar.elapsed_working_minutes(due, self.now) {
                0 => (String::new(), String::new()),
                minutes => {
                    let over = self.length(minutes);
                    (format!(" {over}"), format!(" by {over}"))
                }
            };
            self.say(
                format!("Đã quá hạn{over}; chúng tôi xin lỗi ông/bà về sự chậm trễ này."),
                format!("It is late{by}; we apologise."),
            )
        })
    }

    /// What a case from before the contract had it awaits is awaited without end.
    fn time_to_act(&self) -> String {
        let due = self.dossier.awaited().map_or_else(String::new, |asked| {
            let due = self.time(asked.due_at);
            self.say(format!(" chậm nhất {due}"), format!(" by {due}"))
        });
        let (act, act_in_english) = match self.dossier.place() {
            Place::AwaitingPayment => self.pay(),
            _ => (
                "bổ sung giấy tờ".to_owned(),
                "hand in what is missing".to_owned(),
            ),
        };
        let (meanwhile, meanwhile_in_english) = match self.dossier.place() {
            Place::Incomplete => (
                "thời hạn giải quyết chỉ tính từ khi hồ sơ được tiếp nhận",
                "the limit begins only when the dossier has been received",
            ),
            _ => (
                "thời gian chờ không tính vào thời hạn giải quyết",
                "the wait does not count against the limit",
            ),
        };
        self.say(
            format!("Ông/bà cần {act}{due}; {meanwhile}."),
            format!("You are to {act_in_english}{due}; {meanwhile_in_english}."),
        )
    }

    /// What is still to be paid, where the case has found something to be owed beside the fee: no price list says it.
    fn pay(&self) -> (String, String) {
        let owed = self
            .dossier
            .reception
            .as_ref()
            .filter(|reception| reception.obligations_vnd > 0)
            .map(|reception| reception.fee_vnd - self.dossier.paid_vnd());
        match owed {
            None => ("nộp phí, lệ phí".to_owned(), "pay".to_owned()),
            Some(owed) => {
                let owed = dong(owed.max(0));
                (
                    format!("nộp {owed} phí, lệ phí và nghĩa vụ tài chính"),
                    format!("pay {owed} of fees and financial obligations"),
                )
            }
        }
    }

    /// As it is for the procedure's field.
    fn calendar(&self) -> Option<Arc<Calendar>> {
        let procedure = self.catalog.procedure(&self.dossier.procedure);
        let field = procedure.map_or("", |procedure| &procedure.field);
        let of = |catalog: &Catalog| {
            let agency = catalog.agency(&self.dossier.receiving_agency)?;
            catalog.calendar_for(agency, field)
        };
        self.in_force.and_then(of).or_else(|| of(self.catalog))
    }

    /// Working time in days of eight hours.
    fn length(&self, minutes: i64) -> String {
        let (days, rest) = (minutes / MINUTES_PER_DAY, minutes % MINUTES_PER_DAY);
        let parts = [
            (days, "ngày", "working day"),
            (rest / 60, "giờ", "hour"),
            (rest % 60, "phút", "minute"),
        ];
        let told: Vec<_> = parts
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, vietnamese, english)| {
                self.say(
                    format!("{number} {vietnamese}"),
                    counted(&number.to_string(), english),
                )
            })
            .collect();
        if told.is_empty() {
            return self.say("0 phút làm việc".to_owned(), "0 minutes".to_owned());
        }
        let told = told.join(" ");
        self.say(format!("{told} làm việc"), told.clone())
    }
}

/// Whether a length of working time is told as one of something.
fn is_one(minutes: i64) -> bool {
    [1, 60, MINUTES_PER_DAY].contains(&minutes)
}

/// `1 working day`, `3 working days`.
fn counted(number: &str, what: &str) -> String {
    let plural = if number == "1" { "" } else { "s" };
    format!("{number} {what}{plural}")
}

//! The settlement report II.06a: which dossier stands in which column.
//!
//! The store answers with [`Cell`]s, numbers of dossiers that are alike in all that matters; each is put into the columns
//! here, once for the whole, once for its field and once for its days. So the form's identities hold whatever the cells.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use motcua_platform::time::{date_to_proto, local_date};
use motcua_proto::{
    statistics::v1::{SettlementDay, SettlementFigures, SettlementLine},
    r#type::v1::{Channel, Punctuality},
};

use super::{contribution::Measure, fact::Manner};

/// Days of a period at most: ten years.
pub(crate) const PERIOD_DAYS_MAX: i32 = 3_660;
/// A field that no catalog names.
const UNKNOWN_FIELD: &str = "Chưa xác định lĩnh vực";

/// Days from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    /// The first day.
    pub(crate) from: Date,
    /// The last day.
    pub(crate) to: Date,
}

impl Period {
    /// Its first instant.
    pub(crate) fn begin(self) -> Timestamp {
        midnight(self.from)
    }

    /// The first instant after it.
    pub(crate) fn end(self) -> Timestamp {
        day_end(self.to)
    }

    fn days(self) -> impl Iterator<Item = Date> {
        self.from
            .series(1.day())
            .take_while(move |day| *day <= self.to)
    }
}

fn midnight(day: Date) -> Timestamp {
    motcua_calendar::instant(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MIN)
}

/// The first instant after a day.
pub(crate) fn day_end(day: Date) -> Timestamp {
    midnight(day)
        .saturating_add(SignedDuration::from_hours(24))
        .unwrap_or(Timestamp::MAX)
}

/// Dossiers that were accepted before the period's end and not resolved before its beginning, alike in all that matters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// Field (lĩnh vực); empty where no catalog names it.
    pub(crate) field: String,
    /// How they came in.
    pub(crate) channel: Channel,
    /// The day of reception; none before the period.
    pub(crate) received_on: Option<Date>,
    /// How they were resolved; none when they were not by the period's end.
    pub(crate) resolved: Option<Resolved>,
    /// Whether those in progress are overdue at the period's end.
    pub(crate) overdue: bool,
    /// How many.
    pub(crate) dossiers: i64,
}

/// How dossiers were resolved within the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The day.
    pub(crate) on: Date,
    /// How that stood to the limit.
    pub(crate) punctuality: Punctuality,
    /// In which manner.
    pub(crate) manner: Manner,
    /// Whether an apology was made in time.
    pub(crate) apologised: bool,
}

/// What stands beside the form, counted in the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Beside {
    /// Field (lĩnh vực); empty where no catalog names it.
    pub(crate) field: String,
    /// What.
    pub(crate) measure: Measure,
    /// How many.
    pub(crate) count: i64,
}

/// A report while it is being counted.
#[derive(Debug)]
pub(crate) struct Tally {
    total: SettlementFigures,
    fields: BTreeMap<String, SettlementFigures>,
    days: BTreeMap<Date, SettlementDay>,
}

impl Tally {
    /// Nothing counted yet; every day of the period is there.
    pub(crate) fn new(period: Period) -> Self {
        let day = |date| {
            (
                date,
                SettlementDay {
                    date: Some(date_to_proto(date)),
                    ..SettlementDay::default()
                },
            )
        };
        Self {
            total: SettlementFigures::default(),
            fields: BTreeMap::new(),
            days: period.days().map(day).collect(),
        }
    }

    /// Counts dossiers.
    pub(crate) fn add(&mut self, cell: &Cell) {
        put(&mut self.total, cell);
        put(self.fields.entry(cell.field.clone()).or_default(), cell);
        if let Some(day) = cell.received_on.and_then(|day| self.days.get_mut(&day)) {
            day.received += cell.dossiers;
        }
        if let Some(resolved) = cell.resolved
            && let Some(day) = self.days.get_mut(&resolved.on)
        {
            day.resolved += cell.dossiers;
            if resolved.punctuality == Punctuality::Overdue {
                day.overdue += cell.dossiers;
            }
        }
    }

    /// Counts what stands beside the form.
    pub(crate) fn add_beside(&mut self, beside: &Beside) {
        put_beside(&mut self.total, beside);
        put_beside(self.fields.entry(beside.field.clone()).or_default(), beside);
    }

    /// The sum, the lines in the order of the catalog's fields, and the days.
    pub(crate) fn finish(
        self,
        places: &HashMap<String, i32>,
    ) -> (SettlementFigures, Vec<SettlementLine>, Vec<SettlementDay>) {
        let mut lines: Vec<_> = self.fields.into_iter().collect();
        // A field that no catalog names comes last.
        lines.sort_by_key(|(field, _)| places.get(field).copied().unwrap_or(i32::MAX));
        let lines = lines
            .into_iter()
            .map(|(field, figures)| SettlementLine {
                field: if field.is_empty() {
                    UNKNOWN_FIELD.to_owned()
                } else {
                    field
                },
                figures: Some(figures),
            })
            .collect();
        (self.total, lines, self.days.into_values().collect())
    }
}

/// Puts dossiers into the form's columns: each into one of (4), (5), (6), and into one of (8), (9), (10), (12), (13).
fn put(figures: &mut SettlementFigures, cell: &Cell) {
    let n = cell.dossiers;
    figures.received += n;
    *match (cell.received_on, cell.channel) {
        (None, _) => &mut figures.carried_over,
        (Some(_), Channel::Portal | Channel::Vneid) => &mut figures.received_online,
        (Some(_), Channel::Counter | Channel::Post | Channel::Home | Channel::Unspecified) => {
            &mut figures.received_direct
        }
    } += n;
    let Some(resolved) = cell.resolved else {
        figures.in_progress += n;
        *if cell.overdue {
            &mut figures.in_progress_overdue
        } else {
            &mut figures.in_progress_in_time
        } += n;
        return;
    };
    figures.resolved += n;
    *match resolved.punctuality {
        Punctuality::Early => &mut figures.resolved_early,
        Punctuality::OnTime | Punctuality::Unspecified => &mut figures.resolved_on_time,
        Punctuality::Overdue => &mut figures.resolved_overdue,
    } += n;
    if resolved.punctuality == Punctuality::Overdue && resolved.apologised {
        figures.overdue_with_apology += n;
    }
    match resolved.manner {
        Manner::Finished => {}
        Manner::Stopped => figures.stopped += n,
        Manner::Withdrawn => figures.withdrawn += n,
    }
}

fn put_beside(figures: &mut SettlementFigures, beside: &Beside) {
    let column = match beside.measure {
        Measure::Refused => &mut figures.refused,
        Measure::HandedOver => &mut figures.handed_over,
        Measure::HandedOverAtHome => &mut figures.handed_over_at_home,
        Measure::MessagesSent => &mut figures.messages_sent,
        // Everything else stands in the form and comes as a cell.
        _ => return,
    };
    *column += beside.count;
}

/// Which rule puts what where, to be printed beneath. `moment` is when what is in progress was judged.
pub(crate) fn footnotes(
    moment: Timestamp,
    as_of: Option<Date>,
    positions: &[String],
) -> Vec<String> {
    let last = local_date(
        moment
            .saturating_sub(SignedDuration::from_micros(1))
            .unwrap_or(moment),
    );
    let day = |day: Date| format!("{:02}/{:02}/{}", day.day(), day.month(), day.year());
    let recorded = match as_of {
        Some(as_of) => format!(
            "Số liệu theo những gì các hệ thống nguồn đã ghi nhận đến hết ngày {}",
            day(as_of)
        ),
        None => "Số liệu theo tất cả những gì các hệ thống nguồn đã ghi nhận".to_owned(),
    };
    vec![
        "Cột (3) chỉ tính hồ sơ đã được tiếp nhận; hồ sơ bị từ chối tiếp nhận hoặc rút trước khi tiếp nhận không \
         tính vào biểu."
            .to_owned(),
        "Cột (4) gồm hồ sơ nộp qua Cổng Dịch vụ công quốc gia và VNeID; cột (5) gồm hồ sơ nộp trực tiếp, qua bưu \
         chính và tiếp nhận tại nhà."
            .to_owned(),
        "Hồ sơ được rút hoặc dừng giải quyết sau khi tiếp nhận được tính là đã giải quyết, cột (7).".to_owned(),
        "Trước hạn: có kết quả trước ngày hết hạn; đúng hạn: có kết quả trong ngày hết hạn và chưa quá thời hạn; quá \
         hạn: sau đó. So với hạn trả đầu tiên đã cộng thời gian tạm dừng; việc xin lỗi và gia hạn không làm hồ sơ \
         thành đúng hạn."
            .to_owned(),
        format!(
            "Cột (12) và (13) xét đến hết kỳ báo cáo hoặc đến thời điểm lập báo cáo (ngày {}); hồ sơ đang chờ bổ sung \
             hoặc chờ thực hiện nghĩa vụ tài chính được tính ở cột (12) nếu khi yêu cầu chưa quá hạn.",
            day(last)
        ),
        format!("{recorded}; vị trí: {}.", positions.join(", ")),
    ]
}

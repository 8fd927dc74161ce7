//! How people write: lanes, budgets at the end of a name, durations, and conditions that only ask for an option.

use jiff::Span;
use motcua_proto::{
    r#type::v1::{AgencyKind, Role},
    workflow::v1::timer_step::Wait,
};
use roxmltree::Node;

use crate::catalog::drawing::MOTCUA;

/// An attribute of our own namespace.
pub(super) fn own<'a>(element: Node<'a, '_>, name: &str) -> Option<&'a str> {
    element.attribute((MOTCUA, name))
}

/// All that an element says, whatever comments stand between.
pub(super) fn text_of(element: Node<'_, '_>) -> String {
    let texts = element.children().filter(Node::is_text);
    texts.filter_map(|text| text.text()).collect()
}

/// A name with single blanks, wherever its lines end.
pub(super) fn joined(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a name is none, or only says of a start or an end that it is one.
pub(super) fn says_nothing(element: &str, name: &str) -> bool {
    let name = name.to_lowercase();
    match element {
        "startEvent" => matches!(name.as_str(), "" | "bắt đầu" | "start"),
        "endEvent" => matches!(name.as_str(), "" | "kết thúc" | "end"),
        _ => name.is_empty(),
    }
}

pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// What people call a lane.
pub(super) fn lane_role(name: &str) -> Option<Role> {
    let name = name.trim().to_lowercase();
    let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    if starts(&["lãnh đạo", "chủ tịch", "trưởng"]) {
        Some(Role::Leader)
    } else if starts(&["một cửa", "tiếp nhận", "bộ phận tiếp nhận"]) {
        Some(Role::Receptionist)
    } else if starts(&["chuyên viên", "công chức", "cán bộ"]) {
        Some(Role::Officer)
    } else if starts(&["tại nhà", "tổ lưu động"]) {
        Some(Role::HomeVisitor)
    } else {
        None
    }
}

/// The agency of which a lane's people are, where that is not the case's own.
pub(super) fn lane_agency(name: &str) -> Option<AgencyKind> {
    let name = name.to_lowercase();
    if name.contains("công an") {
        Some(AgencyKind::Police)
    } else if name.contains("bảo hiểm") || name.contains("bhxh") {
        Some(AgencyKind::SocialInsurance)
    } else {
        None
    }
}

/// A budget at the end of a name: title and working minutes.
pub(super) fn budget_in(name: &str) -> Option<(&str, i32)> {
    let (title, budget) = name.strip_suffix(')')?.rsplit_once('(')?;
    let (number, unit) = budget.trim().split_once(' ')?;
    let minutes = match unit.trim() {
        "phút" => 1.0,
        "giờ" | "giờ làm việc" => 60.0,
        "ngày" | "ngày làm việc" => 480.0,
        _ => return None,
    };
    let minutes = number.replace(',', ".").parse::<f64>().ok()? * minutes;
    crate::catalog::definition::whole(minutes).map(|minutes| (title.trim(), minutes))
}

/// Days of the calendar, or working time.
pub(super) fn waited(span: Span) -> Option<Wait> {
    let days = span
        .get_weeks()
        .checked_mul(7)?
        .checked_add(span.get_days())?;
    let hours = i64::from(span.get_hours());
    let minutes = hours.checked_mul(60)?.checked_add(span.get_minutes())?;
    let minutes = i32::try_from(minutes).ok()?;
    let rest = span.get_years() != 0
        || span.get_months() != 0
        || span.get_seconds() != 0
        || span.get_milliseconds() != 0;
    match (days, minutes) {
        _ if rest => None,
        (1.., 0) => Some(Wait::CalendarDays(days)),
        (0, 1..) => Some(Wait::WorkingMinutes(minutes)),
        _ => None,
    }
}

/// The option that `"option" in options` asks for.
pub(super) fn option_in(condition: &str) -> Option<&str> {
    let quoted = condition.strip_suffix("in options")?.trim();
    let inner = quoted
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .or_else(|| {
            quoted
                .strip_prefix('\'')
                .and_then(|rest| rest.strip_suffix('\''))
        })?;
    is_id(inner).then_some(inner)
}

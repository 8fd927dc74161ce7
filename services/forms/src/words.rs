//! How Vietnamese papers write moments, days, amounts and stretches of time.

use jiff::civil::{Date, DateTime};

/// "10 giờ 56 phút, ngày 13 tháng 3 năm 2026".
pub(crate) fn moment(at: DateTime) -> String {
    format!(
        "{:02} giờ {:02} phút, {}",
        at.hour(),
        at.minute(),
        lower_day(at.date())
    )
}

/// "ngày 13 tháng 3 năm 2026". Decree 30/2020 writes a zero before days under ten and the months one and two, because a digit
/// is easily written before a lone one afterwards.
pub(crate) fn lower_day(day: Date) -> String {
    let month = if day.month() < 3 {
        format!("{:02}", day.month())
    } else {
        day.month().to_string()
    };
    format!("ngày {:02} tháng {month} năm {}", day.day(), day.year())
}

/// "13/03/2026", for the cells of tables.
pub(crate) fn short_day(day: Date) -> String {
    format!("{:02}/{:02}/{}", day.day(), day.month(), day.year())
}

/// "10:56 13/03/2026", for the cells of tables.
pub(crate) fn short_moment(at: DateTime) -> String {
    format!(
        "{:02}:{:02} {}",
        at.hour(),
        at.minute(),
        short_day(at.date())
    )
}

/// "50.000 đồng", as forms print an amount.
#[must_use]
pub fn dong(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    format!("{}{grouped} đồng", if amount < 0 { "-" } else { "" })
}

/// "2 giờ 30 phút".
pub(crate) fn duration(minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} phút"),
        (hours, 0) => format!("{hours} giờ"),
        (hours, minutes) => format!("{hours} giờ {minutes} phút"),
    }
}

/// What somebody wrote, with the full stop that a sentence ends with, whether they wrote one or not.
pub(crate) fn sentence(text: &str) -> String {
    let text = text.trim_end_matches(|sign: char| sign.is_whitespace() || ",;:".contains(sign));
    let words = text.trim_end_matches(['"', '”', '’', '»', ')', ']']);
    if words.is_empty() || words.ends_with(['.', '!', '?', '…']) {
        return text.to_owned();
    }
    format!("{text}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::{date, datetime};

    #[test]
    fn moments_and_days_read_as_on_paper() {
        assert_eq!(
            moment(datetime(2026, 3, 13, 10, 56, 59, 0)),
            "10 giờ 56 phút, ngày 13 tháng 3 năm 2026"
        );
        assert_eq!(
            moment(datetime(2026, 2, 3, 7, 0, 0, 0)),
            "07 giờ 00 phút, ngày 03 tháng 02 năm 2026"
        );
        assert_eq!(lower_day(date(2026, 10, 1)), "ngày 01 tháng 10 năm 2026");
        assert_eq!(
            short_moment(datetime(2026, 3, 3, 7, 5, 0, 0)),
            "07:05 03/03/2026"
        );
    }

    #[test]
    fn amounts_are_grouped_by_threes() {
        for (amount, text) in [
            (0, "0 đồng"),
            (500, "500 đồng"),
            (50_000, "50.000 đồng"),
            (1_234_567, "1.234.567 đồng"),
            (-8_000, "-8.000 đồng"),
            (i64::MIN, "-9.223.372.036.854.775.808 đồng"),
        ] {
            assert_eq!(dong(amount), text);
        }
    }

    #[test]
    fn a_sentence_ends_with_one_full_stop() {
        for (text, sentence_of_it) in [
            ("chờ xác minh", "chờ xác minh."),
            ("chờ xác minh.", "chờ xác minh."),
            ("chờ xác minh. \n", "chờ xác minh."),
            ("chờ xác minh;", "chờ xác minh."),
            ("chờ xác minh (lần 2)", "chờ xác minh (lần 2)."),
            ("chờ “xác minh.”", "chờ “xác minh.”"),
            ("", ""),
        ] {
            assert_eq!(sentence(text), sentence_of_it);
        }
    }

    #[test]
    fn durations_leave_out_what_is_nothing() {
        assert_eq!(duration(0), "0 phút");
        assert_eq!(duration(120), "2 giờ");
        assert_eq!(duration(150), "2 giờ 30 phút");
    }
}

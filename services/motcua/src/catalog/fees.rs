//! Fees by unit and exemptions that are claimed, as the table of procedures writes them.

use motcua_platform::time::date_to_proto;
use motcua_proto::{
    google::r#type::Date as ProtoDate,
    r#type::v1::{Exemption, FeeTier},
};

use super::diff;

/// How a tier is written.
const TIER: &str =
    "write from which unit on, and what one costs at the counter and online: 1=2000/0 3=1000/0";
/// How an exemption that is claimed is written.
const EXEMPTION: &str = "write its id, the percent or the đồng that are not taken, between which days if not always, and whose it is: \
                         tre-em=100% [2025-07-01..2025-12-31] trẻ em dưới 6 tuổi";

/// `1=2000/0 3=1000/0`: from which unit on, and what one costs at the counter and online.
pub(super) fn tiers(text: &str) -> Result<Vec<FeeTier>, String> {
    text.split_whitespace()
        .map(|word| tier(word).ok_or_else(|| format!("'{word}' is no tier; {TIER}")))
        .collect()
}

fn tier(word: &str) -> Option<FeeTier> {
    let (from_unit, prices) = word.split_once('=')?;
    let (counter, online) = prices.split_once('/')?;
    let amount = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok())?
    };
    Some(FeeTier {
        from_unit: i32::try_from(amount(from_unit)?).ok()?,
        price_vnd: amount(counter).filter(|price| *price <= super::tables::FEE_VND_MAX)?,
        price_online_vnd: amount(online).filter(|price| *price <= super::tables::FEE_VND_MAX)?,
    })
}

/// As [`tiers`] reads them.
pub(super) fn written_tiers(tiers: &[FeeTier]) -> String {
    let words: Vec<_> = tiers
        .iter()
        .map(|tier| {
            format!(
                "{}={}/{}",
                tier.from_unit, tier.price_vnd, tier.price_online_vnd
            )
        })
        .collect();
    words.join(" ")
}

/// `tre-em=100% [2025-07-01..] trẻ em dưới 6 tuổi; hoc-sinh=5000 học sinh`: those that are claimed.
pub(super) fn claimed(text: &str) -> Result<Vec<Exemption>, String> {
    text.split(';')
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .map(|part| one(part).ok_or_else(|| format!("'{part}' is no exemption; {EXEMPTION}")))
        .collect()
}

fn one(part: &str) -> Option<Exemption> {
    let (id, rest) = part.split_once('=')?;
    let (size, rest) = rest.trim().split_once(char::is_whitespace)?;
    let (percent, amount_vnd) = match size.strip_suffix('%') {
        Some(percent) => (percent.parse().ok()?, 0),
        None => (0, size.parse().ok()?),
    };
    let rest = rest.trim();
    let (days, title) = match rest.strip_prefix('[') {
        Some(rest) => {
            let (days, title) = rest.split_once(']')?;
            (days.split_once("..")?, title.trim())
        }
        None => (("", ""), rest),
    };
    Some(Exemption {
        id: id.trim().to_owned(),
        title: title.to_owned(),
        percent,
        amount_vnd,
        valid_from: day(days.0)?,
        valid_to: day(days.1)?,
        ..Exemption::default()
    })
}

/// A day, or none where nothing is written; `None` for what is no day.
#[expect(
    clippy::option_option,
    reason = "the outer one says whether it could be read"
)]
fn day(text: &str) -> Option<Option<ProtoDate>> {
    match text.trim() {
        "" => Some(None),
        text => Some(Some(date_to_proto(text.parse().ok()?))),
    }
}

/// As [`claimed`] reads them; those by ground are left out.
pub(super) fn written_claimed(exemptions: &[Exemption]) -> String {
    let parts: Vec<_> = exemptions
        .iter()
        .filter(|exemption| !exemption.id.is_empty())
        .map(|exemption| {
            let size = if exemption.amount_vnd > 0 {
                exemption.amount_vnd.to_string()
            } else {
                format!("{}%", exemption.percent)
            };
            let bounds = [&exemption.valid_from, &exemption.valid_to];
            let days = match bounds.map(|day| diff::day(day.as_ref())) {
                [from, to] if from.is_empty() && to.is_empty() => String::new(),
                [from, to] => format!("[{from}..{to}] "),
            };
            format!("{}={size} {days}{}", exemption.id, exemption.title)
        })
        .collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_was_read() {
        for text in ["", "1=2000/0 3=1000/0"] {
            assert_eq!(written_tiers(&tiers(text).unwrap()), text);
        }
        for text in [
            "",
            "tre-em=100% trẻ em dưới 6 tuổi",
            "tre-em=50% [2025-07-01..] trẻ em; hoc-sinh=5000 [..2025-12-31] học sinh",
            "a=1% [2025-07-01..2025-12-31] người nộp sớm",
        ] {
            assert_eq!(written_claimed(&claimed(text).unwrap()), text);
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_what_would_be_right() {
        for word in ["2000", "1=2000", "1=2.000/0", "x=1/0", "1=-1/0", "1=/0"] {
            let told = tiers(word).unwrap_err();
            assert_eq!(told, format!("'{word}' is no tier; {TIER}"));
        }
        for part in [
            "tre-em",
            "tre-em=100%",
            "tre-em=all trẻ em",
            "tre-em=5% [2025-02-30..] trẻ em",
            "tre-em=5% [2025-02-03] trẻ em",
        ] {
            let told = claimed(part).unwrap_err();
            assert_eq!(told, format!("'{part}' is no exemption; {EXEMPTION}"));
        }
    }
}

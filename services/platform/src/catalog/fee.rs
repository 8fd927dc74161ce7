//! What a procedure costs by unit, and whose fee is not taken: whether it means something.

use motcua_proto::r#type::v1::{Exemption, PriorityGround, Procedure};

use super::check::validity;
use crate::parse::Fields;

/// Tiers of one fee.
const TIERS_MAX: usize = 10;

/// The first tier is the fee itself, each begins later than the one before, and a cap takes no less than the first unit.
pub(super) fn check_tiers(fields: &mut Fields, path: &str, procedure: &Procedure) {
    let (tiers, cap) = (&procedure.fee_tiers, procedure.fee_cap_vnd);
    let Some(first) = tiers.first() else {
        if cap != 0 {
            let message = "belongs to a fee by unit only (fee_tiers)";
            fields.reject(format!("{path}.fee_cap_vnd"), message);
        }
        return;
    };
    if cap < 0 || (cap > 0 && cap < first.price_vnd.max(first.price_online_vnd)) {
        let message = "must be no less than the first unit costs, or 0 for no cap";
        fields.reject(format!("{path}.fee_cap_vnd"), message);
    }
    if procedure.fee_unit.trim().is_empty() {
        let message = "is required where the fee is by unit: it says what is counted";
        fields.reject(format!("{path}.fee_unit"), message);
    }
    let path = format!("{path}.fee_tiers");
    if tiers.len() > TIERS_MAX {
        fields.reject(path, format!("must be at most {TIERS_MAX}"));
        return;
    }
    for (index, tier) in tiers.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| tiers.get(before));
        if before.is_some_and(|before| before.from_unit >= tier.from_unit) {
            let message = "must begin later than the tier before";
            fields.reject(format!("{path}[{index}].from_unit"), message);
        }
        if tier.price_vnd < 0 || tier.price_online_vnd < 0 {
            let message = "must not be negative";
            fields.reject(format!("{path}[{index}].price_vnd"), message);
        }
    }
    if first.from_unit != 1 {
        fields.reject(format!("{path}[0].from_unit"), "must begin at unit 1");
    } else if (first.price_vnd, first.price_online_vnd)
        != (procedure.fee_vnd, procedure.fee_online_vnd)
    {
        let message = "must cost the fee itself at unit 1, at the counter and online";
        fields.reject(format!("{path}[0].price_vnd"), message);
    }
}

/// An exemption is of those who go first on a ground, or has an id and a title of its own; of either there is one of a kind.
pub(super) fn check_exemptions(fields: &mut Fields, path: &str, exemptions: &[Exemption]) {
    for (index, exemption) in exemptions.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let mut earlier = exemptions.iter().take(index);
        if exemption.id.is_empty() {
            let ground =
                fields.choice::<PriorityGround>(&format!("{path}.ground"), exemption.ground);
            if ground.is_some()
                && earlier.any(|it| it.id.is_empty() && it.ground == exemption.ground)
            {
                fields.reject(format!("{path}.ground"), "stands twice");
            }
        } else {
            fields.id(&format!("{path}.id"), &exemption.id);
            fields.line(&format!("{path}.title"), &exemption.title);
            if exemption.ground != 0 {
                let message = "must not be set where the exemption has an id";
                fields.reject(format!("{path}.ground"), message);
            }
            if earlier.any(|it| it.id == exemption.id) {
                fields.reject(format!("{path}.id"), "stands twice");
            }
        }
        let of_all = (1..=100).contains(&exemption.percent) && exemption.amount_vnd == 0;
        let so_much = exemption.percent == 0 && exemption.amount_vnd > 0;
        if !of_all && !so_much {
            let message = "must be from 1 to 100, or an amount above 0 stand in its place";
            fields.reject(format!("{path}.percent"), message);
        }
        let days = [exemption.valid_from.as_ref(), exemption.valid_to.as_ref()];
        validity(fields, &path, days);
    }
}

#[cfg(test)]
mod tests {
    use motcua_proto::{google::r#type::Date, r#type::v1::FeeTier};

    use super::*;
    use crate::error::Error;

    fn told(check: impl FnOnce(&mut Fields)) -> Vec<String> {
        let mut fields = Fields::new();
        check(&mut fields);
        match fields.finish(Some(())) {
            Ok(()) => Vec::new(),
            Err(Error::Invalid(violations)) => violations.into_iter().map(|it| it.field).collect(),
            Err(other) => panic!("{other}"),
        }
    }

    fn certified_copy(tiers: &[(i32, i64, i64)], cap: i64) -> Procedure {
        Procedure {
            fee_vnd: 2_000,
            fee_unit: "trang".to_owned(),
            fee_tiers: tiers
                .iter()
                .map(|&(from_unit, price_vnd, price_online_vnd)| FeeTier {
                    from_unit,
                    price_vnd,
                    price_online_vnd,
                })
                .collect(),
            fee_cap_vnd: cap,
            ..Procedure::default()
        }
    }

    #[test]
    fn tiers_begin_at_the_first_unit_with_the_fee_itself_and_rise() {
        let sound = [(1, 2_000, 0), (3, 1_000, 0)];
        for (tiers, cap, expected) in [
            (&sound[..], 200_000, None),
            (&sound, 0, None),
            (&[], 0, None),
            (&[], 1, Some("p.fee_cap_vnd")),
            (&sound, 1_999, Some("p.fee_cap_vnd")),
            (&[(2, 2_000, 0)], 0, Some("p.fee_tiers[0].from_unit")),
            (&[(1, 2_001, 0)], 0, Some("p.fee_tiers[0].price_vnd")),
            (&[(1, 2_000, 1)], 0, Some("p.fee_tiers[0].price_vnd")),
            (
                &[(1, 2_000, 0), (1, 1_000, 0)],
                0,
                Some("p.fee_tiers[1].from_unit"),
            ),
            (
                &[(1, 2_000, 0), (3, -1, 0)],
                0,
                Some("p.fee_tiers[1].price_vnd"),
            ),
            (&[(1, 2_000, 0); 11], 0, Some("p.fee_tiers")),
        ] {
            let procedure = certified_copy(tiers, cap);
            let told = told(|fields| check_tiers(fields, "p", &procedure));
            assert_eq!(
                told.first().map(String::as_str),
                expected,
                "{tiers:?} {cap}"
            );
        }
        let uncounted = Procedure {
            fee_unit: String::new(),
            ..certified_copy(&sound, 0)
        };
        let told = told(|fields| check_tiers(fields, "p", &uncounted));
        assert_eq!(told, ["p.fee_unit"]);
    }

    #[test]
    fn an_exemption_is_by_ground_or_has_an_id_and_takes_off_a_part_or_an_amount() {
        let own = |id: &str, percent, amount_vnd| Exemption {
            id: id.to_owned(),
            title: "trẻ em".to_owned(),
            percent,
            amount_vnd,
            ..Exemption::default()
        };
        let day = |day| {
            Some(Date {
                year: 2025,
                month: 2,
                day,
            })
        };
        for (exemptions, expected) in [
            (vec![own("tre-em", 100, 0), own("hoc-sinh", 0, 500)], None),
            (vec![own("tre-em", 0, 0)], Some("e[0].percent")),
            (vec![own("tre-em", 50, 500)], Some("e[0].percent")),
            (vec![own("tre em", 50, 0)], Some("e[0].id")),
            (
                vec![own("tre-em", 50, 0), own("tre-em", 60, 0)],
                Some("e[1].id"),
            ),
            (
                vec![Exemption {
                    ground: PriorityGround::Poor.into(),
                    ..own("tre-em", 50, 0)
                }],
                Some("e[0].ground"),
            ),
            (
                vec![Exemption {
                    title: String::new(),
                    ..own("tre-em", 50, 0)
                }],
                Some("e[0].title"),
            ),
            (vec![own("", 50, 0)], Some("e[0].ground")),
            (
                vec![Exemption {
                    valid_to: day(30),
                    ..own("tre-em", 50, 0)
                }],
                Some("e[0].valid_to"),
            ),
            (
                vec![Exemption {
                    valid_from: day(2),
                    valid_to: day(1),
                    ..own("tre-em", 50, 0)
                }],
                Some("e[0].valid_to"),
            ),
        ] {
            let told = told(|fields| check_exemptions(fields, "e", &exemptions));
            assert_eq!(told.first().map(String::as_str), expected, "{exemptions:?}");
        }
    }
}

//! What a dossier costs: one fee, or so much a unit; and what is not taken of it. Law 97/2015/QH13 on fees and charges.

use jiff::civil::Date;
use motcua_platform::{
    catalog::exempts_on,
    error::{Error, Violation},
};
use motcua_proto::r#type::v1::{Channel, Exemption, FeeTier, PriorityGround, Procedure};

/// Units that one dossier may be reckoned for: whoever counts more submits several.
pub const QUANTITY_MAX: i32 = 10_000;
/// Copies that one dossier may be reckoned for.
pub const COPIES_MAX: i32 = 1_000;

/// What a fee by unit is reckoned for: the pages of a paper, and how many copies of it are certified.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Units {
    /// Units of one copy; 0 where nothing is said, or the fee is not by unit.
    pub quantity: i32,
    /// Copies; 0 likewise.
    pub copies: i32,
}

impl Units {
    /// These where something is said, else those.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let said = |new: i32, old: i32| if new == 0 { old } else { new };
        Self {
            quantity: said(self.quantity, other.quantity),
            copies: said(self.copies, other.copies),
        }
    }

    /// Everything about them that no fee could be reckoned for.
    #[must_use]
    pub fn violations(self) -> Vec<Violation> {
        let bounds = [
            ("quantity", self.quantity, QUANTITY_MAX),
            ("copies", self.copies, COPIES_MAX),
        ];
        let beyond = bounds
            .into_iter()
            .filter(|(_, number, most)| !(0..=*most).contains(number));
        beyond
            .map(|(field, _, most)| Violation {
                field: field.to_owned(),
                description: format!("must be from 1 to {most}"),
            })
            .collect()
    }
}

/// What is claimed of a fee, and when.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// How the dossier came in: online another price may hold.
    pub channel: Channel,
    /// Why it goes first, if it does.
    pub ground: PriorityGround,
    /// What it is reckoned for.
    pub units: Units,
    /// Id of the exemption that is claimed; empty for none.
    pub exemption: &'a str,
    /// The day of submission. The catalog that counts is that of this day too.
    pub on: Date,
}

/// A fee as it is reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fee<'a> {
    /// What is taken, in đồng.
    pub taken_vnd: i64,
    /// What is not taken because of an exemption, in đồng.
    pub exempted_vnd: i64,
    /// Id of the exemption that was claimed and by which that is; empty for one by ground, or none.
    pub exemption: &'a str,
}

/// The fee that is taken, and what is not taken of it: the exemption comes after the units and their cap, and of two that hold, the one
/// that takes more off counts. Law 97/2015/QH13, art. 10; what a percentage leaves is rounded down to whole đồng.
#[must_use]
pub fn fee<'a>(procedure: &Procedure, claim: Claim<'a>) -> Fee<'a> {
    let fee = full(procedure, claim.channel, claim.units);
    let off = |exemption: &Exemption| fee - left(fee, exemption);
    let by_ground = procedure
        .exemptions
        .iter()
        .filter(|it| it.id.is_empty() && claim.ground != PriorityGround::Unspecified)
        .filter(|it| it.ground() == claim.ground && exempts_on(it, claim.on))
        .map(off)
        .max()
        .unwrap_or_default();
    let claimed = exemption(procedure, claim.exemption)
        .filter(|it| exempts_on(it, claim.on))
        .map_or(0, off);
    let exempted_vnd = by_ground.max(claimed);
    Fee {
        taken_vnd: fee - exempted_vnd,
        exempted_vnd,
        exemption: if claimed > 0 && claimed >= by_ground {
            claim.exemption
        } else {
            ""
        },
    }
}

/// Before anything is not taken of it.
fn full(procedure: &Procedure, channel: Channel, units: Units) -> i64 {
    let online = is_online(channel);
    if is_by_unit(procedure) {
        let price = |tier: &FeeTier| {
            if online {
                tier.price_online_vnd
            } else {
                tier.price_vnd
            }
        };
        let one = by_unit(
            &procedure.fee_tiers,
            price,
            procedure.fee_cap_vnd,
            units.quantity.max(1),
        );
        return one.saturating_mul(i64::from(units.copies.max(1)));
    }
    if online {
        procedure.fee_online_vnd
    } else {
        procedure.fee_vnd
    }
}

/// Each unit at the price of its tier, and together no more than the cap; 0 is none. The tiers begin at unit 1 and rise.
fn by_unit(tiers: &[FeeTier], price: impl Fn(&FeeTier) -> i64, cap: i64, quantity: i32) -> i64 {
    let ends = tiers
        .iter()
        .skip(1)
        .map(|next| next.from_unit - 1)
        .chain([quantity]);
    let sum = tiers.iter().zip(ends).fold(0_i64, |sum, (tier, end)| {
        let units = i64::from((end.min(quantity) - tier.from_unit + 1).max(0));
        sum.saturating_add(units.saturating_mul(price(tier)))
    });
    if cap > 0 { sum.min(cap) } else { sum }
}

fn left(fee: i64, exemption: &Exemption) -> i64 {
    if exemption.amount_vnd > 0 {
        return (fee - exemption.amount_vnd).max(0);
    }
    fee.saturating_mul(100 - i64::from(exemption.percent.clamp(0, 100))) / 100
}

/// Whether a dossier came in online: another price may hold, and nothing of it is on paper but what was handed in beside it.
#[must_use]
pub fn is_online(channel: Channel) -> bool {
    matches!(channel, Channel::Portal | Channel::Vneid)
}

/// Whether the fee is reckoned by units.
#[must_use]
pub fn is_by_unit(procedure: &Procedure) -> bool {
    !procedure.fee_tiers.is_empty()
}

/// The exemption with that id; `None` for the empty one.
#[must_use]
pub fn exemption<'a>(procedure: &'a Procedure, id: &str) -> Option<&'a Exemption> {
    procedure
        .exemptions
        .iter()
        .find(|it| !it.id.is_empty() && it.id == id)
}

/// Units and an exemption as a request names them.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What it is to be reckoned for.
    pub units: Units,
    /// Id of an exemption; empty where the request says nothing.
    pub exemption: &'a str,
}

/// Everything that the procedure does not have, or not on that day.
#[must_use]
pub fn violations(asked: Asked<'_>, procedure: &Procedure, on: Date) -> Vec<Violation> {
    let violation = |field: &str, description: String| Violation {
        field: field.to_owned(),
        description,
    };
    let Units { quantity, copies } = asked.units;
    let mut violations = if is_by_unit(procedure) {
        asked.units.violations()
    } else {
        let said = [("quantity", quantity), ("copies", copies)].into_iter();
        let said = said.filter(|(_, number)| *number != 0);
        let why = format!("the fee of '{}' is not by unit", procedure.code);
        said.map(|(field, _)| violation(field, why.clone()))
            .collect()
    };
    let each_alike = procedure.fee_tiers.len() == 1 && procedure.fee_cap_vnd == 0;
    if copies > 1 && each_alike {
        let why = "the fee is the same for each unit: count all of them in quantity".to_owned();
        violations.push(violation("copies", why));
    }
    if asked.exemption.is_empty() {
        return violations;
    }
    match exemption(procedure, asked.exemption) {
        Some(exemption) if exempts_on(exemption, on) => {}
        Some(_) => violations.push(violation("exemption", format!("does not hold on {on}"))),
        None => {
            let ids = procedure.exemptions.iter().map(|it| it.id.as_str());
            let ids: Vec<_> = ids.filter(|id| !id.is_empty()).collect();
            let description = if ids.is_empty() {
                format!("procedure '{}' has none that is claimed", procedure.code)
            } else {
                format!("must be one of {}", ids.join(", "))
            };
            violations.push(violation("exemption", description));
        }
    }
    violations
}

/// The same as an error.
///
/// # Errors
/// All of [`violations`].
pub fn check(asked: Asked<'_>, procedure: &Procedure, on: Date) -> Result<(), Error> {
    let violations = violations(asked, procedure, on);
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Error::Invalid(violations))
    }
}

/// Units as they are kept: one where nothing is said, none where the fee is not by unit.
#[must_use]
pub fn counted(procedure: &Procedure, units: Units) -> Units {
    if is_by_unit(procedure) {
        Units {
            quantity: units.quantity.max(1),
            copies: units.copies.max(1),
        }
    } else {
        Units::default()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use motcua_platform::time::date_to_proto;
    use proptest::prelude::*;

    use super::*;

    const DAY: Date = date(2025, 7, 1);

    /// 2.000 đồng a page up to page 2, 1.000 from page 3, at most 200.000 a copy; half of it online.
    fn certified_copy() -> Procedure {
        Procedure {
            code: "2.000815".to_owned(),
            fee_vnd: 2_000,
            fee_online_vnd: 1_000,
            fee_unit: "trang".to_owned(),
            fee_tiers: tiers(&[(1, 2_000), (3, 1_000)]),
            fee_cap_vnd: 200_000,
            ..Procedure::default()
        }
    }

    fn tiers(tiers: &[(i32, i64)]) -> Vec<FeeTier> {
        tiers
            .iter()
            .map(|&(from_unit, price_vnd)| FeeTier {
                from_unit,
                price_vnd,
                price_online_vnd: price_vnd / 2,
            })
            .collect()
    }

    fn claim(channel: Channel, quantity: i32) -> Claim<'static> {
        Claim {
            channel,
            ground: PriorityGround::Unspecified,
            units: Units {
                quantity,
                copies: 0,
            },
            exemption: "",
            on: DAY,
        }
    }

    #[test]
    fn each_unit_costs_what_its_tier_says_and_all_of_them_no_more_than_the_cap() {
        let procedure = certified_copy();
        for (pages, counter, online) in [
            (0, 2_000, 1_000),
            (1, 2_000, 1_000),
            (2, 4_000, 2_000),
            (3, 5_000, 2_500),
            (10, 12_000, 6_000),
            (198, 200_000, 100_000),
            (199, 200_000, 100_500),
            (10_000, 200_000, 200_000),
        ] {
            for (channel, taken_vnd) in [(Channel::Counter, counter), (Channel::Vneid, online)] {
                let fee = fee(&procedure, claim(channel, pages));
                assert_eq!(fee.taken_vnd, taken_vnd, "{pages} {channel:?}");
                // Each copy is reckoned by itself, and each has the cap.
                let units = Units {
                    quantity: pages,
                    copies: 3,
                };
                let three = Claim {
                    units,
                    ..claim(channel, 0)
                };
                let three = super::fee(&procedure, three).taken_vnd;
                assert_eq!(three, 3 * taken_vnd, "{pages} {channel:?}");
            }
        }
    }

    #[test]
    fn of_what_is_not_taken_the_larger_counts_and_only_on_its_days() {
        let day = |day| Some(date_to_proto(day));
        let own = |id: &str, percent, amount_vnd| Exemption {
            id: id.to_owned(),
            title: "trẻ em".to_owned(),
            percent,
            amount_vnd,
            valid_from: day(date(2025, 7, 1)),
            valid_to: day(date(2025, 12, 31)),
            ..Exemption::default()
        };
        let procedure = Procedure {
            exemptions: vec![
                Exemption {
                    ground: PriorityGround::Poor.into(),
                    percent: 50,
                    ..Exemption::default()
                },
                own("a-third", 33, 0),
                own("all", 100, 0),
                own("some", 0, 1_500),
                own("more-than-it-is", 0, 90_000),
            ],
            ..certified_copy()
        };
        let (none, poor) = (PriorityGround::Unspecified, PriorityGround::Poor);
        // Three pages are 5.000 đồng.
        for (exemption, ground, on, exempted_vnd, by) in [
            ("", none, DAY, 0, ""),
            ("", poor, DAY, 2_500, ""),
            ("a-third", none, DAY, 1_650, "a-third"),
            ("a-third", poor, DAY, 2_500, ""),
            ("all", poor, DAY, 5_000, "all"),
            ("some", none, DAY, 1_500, "some"),
            ("more-than-it-is", none, DAY, 5_000, "more-than-it-is"),
            ("all", none, date(2025, 12, 31), 5_000, "all"),
            ("all", none, date(2026, 1, 1), 0, ""),
            ("all", none, date(2025, 6, 30), 0, ""),
            ("unknown", none, DAY, 0, ""),
        ] {
            let claim = Claim {
                ground,
                exemption,
                on,
                ..claim(Channel::Counter, 3)
            };
            let expected = Fee {
                taken_vnd: 5_000 - exempted_vnd,
                exempted_vnd,
                exemption: by,
            };
            assert_eq!(
                fee(&procedure, claim),
                expected,
                "{exemption} {ground:?} {on}"
            );
        }
    }

    #[test]
    fn units_are_counted_where_the_fee_is_by_unit_and_an_exemption_is_one_of_the_procedures() {
        let mut procedure = certified_copy();
        let told = |procedure: &Procedure, quantity, exemption| -> Vec<String> {
            let asked = Asked {
                units: Units {
                    quantity,
                    copies: quantity,
                },
                exemption,
            };
            let told = violations(asked, procedure, DAY).into_iter();
            told.map(|it| format!("{}: {}", it.field, it.description))
                .collect()
        };
        for sound in [0, 1, COPIES_MAX] {
            assert_eq!(told(&procedure, sound, ""), [""; 0]);
        }
        assert_eq!(
            told(&procedure, -1, "tre-em"),
            [
                "quantity: must be from 1 to 10000",
                "copies: must be from 1 to 1000",
                "exemption: procedure '2.000815' has none that is claimed"
            ]
        );
        let one = Units {
            quantity: 1,
            copies: 1,
        };
        assert_eq!(counted(&procedure, Units::default()), one);
        procedure.fee_tiers.clear();
        assert_eq!(
            told(&procedure, 1, ""),
            [
                "quantity: the fee of '2.000815' is not by unit",
                "copies: the fee of '2.000815' is not by unit"
            ]
        );
        assert_eq!(counted(&procedure, one), Units::default());
        // An extract costs the same, the first and the third.
        let extract = Procedure {
            fee_tiers: tiers(&[(1, 8_000)]),
            fee_cap_vnd: 0,
            ..certified_copy()
        };
        assert_eq!(
            told(&extract, 3, ""),
            ["copies: the fee is the same for each unit: count all of them in quantity"]
        );
        procedure.exemptions = vec![Exemption {
            id: "tre-em".to_owned(),
            valid_to: Some(date_to_proto(date(2025, 6, 30))),
            ..Exemption::default()
        }];
        assert_eq!(
            told(&procedure, 0, "tre-em"),
            ["exemption: does not hold on 2025-07-01"]
        );
        assert_eq!(
            told(&procedure, 0, "hoc-sinh"),
            ["exemption: must be one of tre-em"]
        );
    }

    /// From unit 1, each tier later than the one before.
    fn any_tiers() -> impl Strategy<Value = Vec<(i32, i64)>> {
        proptest::collection::vec((1..50_i32, 0..100_000_i64), 1..6).prop_map(|steps| {
            let mut from = 1;
            steps
                .into_iter()
                .map(|(step, price)| {
                    let tier = (from, price);
                    from += step;
                    tier
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn more_units_never_cost_less_the_cap_holds_and_the_tiers_add_up(
            prices in any_tiers(), cap in 0..1_000_000_i64, quantity in 1..300_i32,
        ) {
            let tiers = tiers(&prices);
            let of = |quantity| by_unit(&tiers, |tier| tier.price_vnd, 0, quantity);
            // Unit by unit, each at the price of the last tier that has begun.
            let one_by_one: i64 = (1..=quantity)
                .map(|unit| prices.iter().rev().find(|(from, _)| *from <= unit).map_or(0, |(_, price)| *price))
                .sum();
            prop_assert_eq!(of(quantity), one_by_one);
            prop_assert!(of(quantity) <= of(quantity + 1));
            let capped = by_unit(&tiers, |tier| tier.price_vnd, cap, quantity);
            prop_assert_eq!(capped, if cap == 0 { one_by_one } else { one_by_one.min(cap) });
        }
    }
}

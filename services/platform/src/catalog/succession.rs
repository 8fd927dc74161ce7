//! What was called otherwise before, and what takes whose place: codes are replaced, wards are merged, split and renamed.

use std::collections::{BTreeMap, BTreeSet};

use motcua_proto::r#type::v1::{Agency, Procedure};

use super::check::validity;
use crate::{parse::Fields, time::date_from_proto};

/// Checks aliases and successors of procedures, and gives each alias with the code that it stands for.
pub(super) fn procedures(
    fields: &mut Fields,
    procedures: &[Procedure],
) -> BTreeMap<String, String> {
    let codes: BTreeSet<_> = procedures
        .iter()
        .map(|procedure| procedure.code.as_str())
        .collect();
    let mut aliases: BTreeMap<String, String> = BTreeMap::new();
    for (index, procedure) in procedures.iter().enumerate() {
        for (alias_index, alias) in procedure.aliases.iter().enumerate() {
            let path = format!("catalog.procedures[{index}].aliases[{alias_index}]");
            if fields.id(&path, alias).is_none() {
                continue;
            }
            if codes.contains(alias.as_str()) {
                fields.reject(path, format!("'{alias}' is the code of a procedure itself"));
            } else if let Some(other) = aliases.insert(alias.clone(), procedure.code.clone()) {
                fields.reject(path, format!("'{alias}' stands for '{other}' already"));
            }
        }
    }
    let mut steps = Steps::new();
    for (index, procedure) in procedures.iter().enumerate() {
        let path = format!("catalog.procedures[{index}].successor");
        if fields.optional_id(&path, &procedure.successor).is_none()
            || procedure.successor.is_empty()
        {
            continue;
        }
        let successor = aliases
            .get(&procedure.successor)
            .unwrap_or(&procedure.successor);
        steps.insert(&procedure.code, (path, vec![successor]));
    }
    refuse_circles(fields, &steps);
    for (index, procedure) in procedures.iter().enumerate() {
        let path = format!("catalog.procedures[{index}]");
        check_last_day(fields, &path, procedure, procedures, &aliases);
    }
    aliases
}

/// Checks the days of a procedure. Its last day lies before the first one of what takes its place, where both are here: of one
/// matter nothing is submitted under two codes.
fn check_last_day(
    fields: &mut Fields,
    path: &str,
    procedure: &Procedure,
    procedures: &[Procedure],
    aliases: &BTreeMap<String, String>,
) {
    let days = [procedure.valid_from.as_ref(), procedure.valid_to.as_ref()];
    validity(fields, path, days);
    let Some(last) = procedure.valid_to.as_ref().and_then(date_from_proto) else {
        return;
    };
    let successor = &procedure.successor;
    let code = aliases.get(successor).unwrap_or(successor);
    let Some(successor) = procedures.iter().find(|it| it.code == *code) else {
        return;
    };
    let first = successor.valid_from.as_ref();
    match first.and_then(date_from_proto) {
        Some(first) if last < first => {}
        Some(first) => fields.reject(
            format!("{path}.valid_to"),
            format!("must lie before {first}, from which day on '{code}' takes its place"),
        ),
        // A day that does not exist has its violation.
        None if first.is_some() => {}
        None => fields.reject(
            format!("{path}.valid_to"),
            format!("means nothing while '{code}', which takes its place, has no valid_from"),
        ),
    }
}

/// Checks successors and validity of agencies.
pub(super) fn agencies(fields: &mut Fields, agencies: &[Agency]) {
    let mut steps = Steps::new();
    for (index, agency) in agencies.iter().enumerate() {
        let path = format!("catalog.agencies[{index}]");
        for (successor_index, successor) in agency.successors.iter().enumerate() {
            fields.id(&format!("{path}.successors[{successor_index}]"), successor);
        }
        let successors = agency.successors.iter().map(String::as_str).collect();
        steps.insert(&agency.code, (format!("{path}.successors"), successors));
        let days = [agency.valid_from.as_ref(), agency.valid_to.as_ref()];
        validity(fields, &path, days);
    }
    refuse_circles(fields, &steps);
}

/// For each code, where its successors stand and which they are.
type Steps<'a> = BTreeMap<&'a str, (String, Vec<&'a str>)>;

/// Whoever follows successors must come to an end. A circle is told of once, at its first code.
fn refuse_circles(fields: &mut Fields, steps: &Steps<'_>) {
    for (code, (path, successors)) in steps {
        let ahead = reached(steps, successors);
        let circle: Vec<_> = ahead
            .iter()
            .filter(|other| {
                steps
                    .get(**other)
                    .is_some_and(|(_, next)| reached(steps, next).contains(code))
            })
            .collect();
        if ahead.contains(code) && circle.iter().all(|other| *other >= code) {
            fields.reject(path.clone(), format!("leads back to '{code}', without end"));
        }
    }
}

/// Every code that is come to from these, and they themselves.
fn reached<'a>(steps: &Steps<'a>, from: &[&'a str]) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = from.to_vec();
    while let Some(code) = open.pop() {
        if reached.insert(code)
            && let Some((_, next)) = steps.get(code)
        {
            open.extend(next);
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use motcua_proto::google::r#type::Date;

    use super::*;
    use crate::error::Error;

    fn procedure(code: &str, aliases: &[&str], successor: &str) -> Procedure {
        Procedure {
            code: code.to_owned(),
            aliases: aliases.iter().map(|&alias| alias.to_owned()).collect(),
            successor: successor.to_owned(),
            ..Procedure::default()
        }
    }

    fn agency(code: &str, successors: &[&str]) -> Agency {
        Agency {
            code: code.to_owned(),
            successors: successors.iter().map(|&code| code.to_owned()).collect(),
            ..Agency::default()
        }
    }

    /// What is wrong, each with its field.
    fn wrong(check: impl FnOnce(&mut Fields)) -> Vec<String> {
        let mut fields = Fields::new();
        check(&mut fields);
        match fields.finish(Some(())) {
            Err(Error::Invalid(violations)) => violations
                .iter()
                .map(|violation| format!("{}: {}", violation.field, violation.description))
                .collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn an_alias_stands_for_one_procedure_and_is_none_itself() {
        let sound = [
            procedure("2.002913", &["2.002622", "1.000001"], ""),
            procedure("1.000656", &[], "3.000001"),
        ];
        let mut aliases = BTreeMap::new();
        assert_eq!(
            wrong(|fields| aliases = procedures(fields, &sound)),
            [""; 0]
        );
        assert_eq!(aliases["2.002622"], "2.002913");
        let broken = [
            procedure("1.000001", &["1.000002", "1.000009", "a b"], ""),
            procedure("1.000002", &["1.000009"], ""),
        ];
        assert_eq!(
            wrong(|fields| drop(procedures(fields, &broken))),
            [
                "catalog.procedures[0].aliases[0]: '1.000002' is the code of a procedure itself",
                "catalog.procedures[0].aliases[2]: must hold only letters, digits, '.', '-' and '_', at most 100",
                "catalog.procedures[1].aliases[0]: '1.000009' stands for '1.000001' already",
            ]
        );
    }

    #[test]
    fn a_circle_of_successors_is_refused_once() {
        for (circle, field) in [
            (vec![procedure("1", &[], "1")], 0),
            (vec![procedure("2", &[], "1"), procedure("1", &[], "2")], 1),
            (
                vec![procedure("1", &["0"], "2"), procedure("2", &[], "0")],
                0,
            ),
        ] {
            assert_eq!(
                wrong(|fields| drop(procedures(fields, &circle))),
                [format!(
                    "catalog.procedures[{field}].successor: leads back to '1', without end"
                )]
            );
        }
        let split_and_merged = [
            agency("old", &["north", "south"]),
            agency("north", &["city"]),
            agency("south", &["city"]),
        ];
        assert_eq!(wrong(|fields| agencies(fields, &split_and_merged)), [""; 0]);
        let circle = [
            agency("a", &["x", "b"]),
            agency("b", &["c"]),
            agency("c", &["b"]),
        ];
        assert_eq!(
            wrong(|fields| agencies(fields, &circle)),
            ["catalog.agencies[1].successors: leads back to 'b', without end"]
        );
    }

    #[test]
    fn a_procedure_ends_before_what_takes_its_place_begins() {
        let day = |month, day| Date {
            year: 2026,
            month,
            day,
        };
        let told = |last: Option<Date>, first: Option<Date>, successor: &str| {
            let mut old = procedure("2.002622", &[], successor);
            old.valid_to = last;
            let mut new = procedure("2.002913", &["1.000001"], "");
            new.valid_from = first;
            wrong(|fields| drop(procedures(fields, &[old, new])))
        };
        let (last, first) = (Some(day(8, 31)), Some(day(9, 1)));
        for (last, first, successor) in [
            (last, first, "2.002913"),
            (None, first, "2.002913"),
            (None, None, "2.002913"),
            // A pause between them, or two matters, or what is only announced.
            (Some(day(7, 1)), first, "2.002913"),
            (Some(day(9, 1)), first, ""),
            (Some(day(9, 1)), first, "2.009999"),
        ] {
            assert_eq!(told(last, first, successor), [""; 0], "{last:?} {first:?}");
        }
        for successor in ["2.002913", "1.000001"] {
            assert_eq!(
                told(first, first, successor),
                [
                    "catalog.procedures[0].valid_to: must lie before 2026-09-01, from which day on '2.002913' takes its place"
                ]
            );
        }
        assert_eq!(
            told(last, None, "2.002913"),
            [
                "catalog.procedures[0].valid_to: means nothing while '2.002913', which takes its place, has no valid_from"
            ]
        );
        let never = Some(day(9, 31));
        assert_eq!(
            told(last, never, "2.002913"),
            ["catalog.procedures[1].valid_from: must be a day that exists"]
        );
        let mut backwards = procedure("1", &[], "");
        (backwards.valid_from, backwards.valid_to) = (first, last);
        assert_eq!(
            wrong(|fields| drop(procedures(fields, &[backwards]))),
            ["catalog.procedures[0].valid_to: lies before the first day, 2026-09-01"]
        );
    }

    #[test]
    fn the_last_day_is_not_before_the_first() {
        let day = |year, month, day| Some(Date { year, month, day });
        let mut old = agency("old", &[]);
        (old.valid_from, old.valid_to) = (day(2025, 7, 1), day(2025, 6, 30));
        let mut never = agency("never", &[]);
        never.valid_to = day(2025, 2, 30);
        assert_eq!(
            wrong(|fields| agencies(fields, &[old, never])),
            [
                "catalog.agencies[0].valid_to: lies before the first day, 2025-07-01",
                "catalog.agencies[1].valid_to: must be a day that exists",
            ]
        );
    }
}

//! Whether the agencies and procedures of a catalog mean something, each by itself and beside the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use motcua_calendar::Calendar;
use motcua_proto::{
    google::r#type::Date as ProtoDate,
    r#type::v1::{Agency, AgencyKind, FormSet, Procedure, RequiredPaper},
};

use super::{ACCEPTANCE_HOURS_MAX, SUPPLEMENT_DAYS_MAX, fee, limit};
use crate::{parse::Fields, time::date_from_proto};

/// Whether `valid_from` and `valid_to` are days that exist, the last one no earlier than the first.
pub(super) fn validity(fields: &mut Fields, path: &str, [first, last]: [Option<&ProtoDate>; 2]) {
    let mut bound = |name: &str, date: Option<&ProtoDate>| {
        let parsed = date.and_then(date_from_proto);
        if date.is_some() && parsed.is_none() {
            fields.reject(format!("{path}.{name}"), "must be a day that exists");
        }
        parsed
    };
    let (first, last) = (bound("valid_from", first), bound("valid_to", last));
    if let (Some(first), Some(last)) = (first, last)
        && last < first
    {
        fields.reject(
            format!("{path}.valid_to"),
            format!("lies before the first day, {first}"),
        );
    }
}

/// Agencies by their codes.
pub(super) fn agencies(
    fields: &mut Fields,
    agencies: &[Agency],
    calendars: &BTreeMap<String, Arc<Calendar>>,
) -> BTreeMap<String, Agency> {
    let codes: BTreeSet<_> = agencies.iter().map(|agency| agency.code.as_str()).collect();
    let mut identifiers = BTreeSet::new();
    let mut parsed = BTreeMap::new();
    for (index, agency) in agencies.iter().enumerate() {
        let path = format!("catalog.agencies[{index}]");
        fields.id(&format!("{path}.code"), &agency.code);
        fields.line(&format!("{path}.title"), &agency.title);
        fields.choice::<AgencyKind>(&format!("{path}.kind"), agency.kind);
        if !(0..24 * 60).contains(&agency.transfer_cutoff_minute) {
            let message = "must be a minute of the day, from 0 to 1439";
            fields.reject(format!("{path}.transfer_cutoff_minute"), message);
        }
        fields.optional_line(&format!("{path}.superior"), &agency.superior);
        fields.optional_line(&format!("{path}.phone"), &agency.phone);
        if !calendars.contains_key(&agency.calendar) {
            fields.reject(
                format!("{path}.calendar"),
                format!("there is no calendar '{}'", agency.calendar),
            );
        }
        if !agency.parent.is_empty()
            && (agency.parent == agency.code || !codes.contains(agency.parent.as_str()))
        {
            fields.reject(
                format!("{path}.parent"),
                format!("there is no other agency '{}'", agency.parent),
            );
        }
        if !agency.identifier.is_empty() {
            fields.id(&format!("{path}.identifier"), &agency.identifier);
            if !identifiers.insert(agency.identifier.as_str()) {
                fields.reject(
                    format!("{path}.identifier"),
                    "belongs to another agency too",
                );
            }
        }
        if parsed.insert(agency.code.clone(), agency.clone()).is_some() {
            fields.reject(format!("{path}.code"), "stands twice");
        }
    }
    parsed
}

pub(super) fn procedure(fields: &mut Fields, path: &str, procedure: &Procedure) {
    fields.id(&format!("{path}.code"), &procedure.code);
    fields.title(&format!("{path}.title"), &procedure.title);
    fields.line(&format!("{path}.field"), &procedure.field);
    fields.id(&format!("{path}.definition"), &procedure.definition);
    fields.choice::<AgencyKind>(&format!("{path}.competent"), procedure.competent);
    fields.optional_choice::<FormSet>(&format!("{path}.form_set"), procedure.form_set);
    if procedure.limit.as_ref().and_then(limit::limit).is_none() {
        fields.reject(format!("{path}.limit"), limit::KINDS);
    }
    for (name, fee) in [
        ("fee_vnd", procedure.fee_vnd),
        ("fee_online_vnd", procedure.fee_online_vnd),
    ] {
        if fee < 0 {
            fields.reject(format!("{path}.{name}"), "must not be negative");
        }
    }
    for (name, number) in [
        ("retention_days", procedure.retention_days),
        ("archive_days", procedure.archive_days),
        ("supplement_rounds", procedure.supplement_rounds),
    ] {
        if number < 0 {
            fields.reject(format!("{path}.{name}"), "must not be negative");
        }
    }
    for (name, number, max) in [
        (
            "acceptance_hours",
            procedure.acceptance_hours,
            ACCEPTANCE_HOURS_MAX,
        ),
        (
            "supplement_days",
            procedure.supplement_days,
            SUPPLEMENT_DAYS_MAX,
        ),
    ] {
        if !(0..=max).contains(&number) {
            fields.reject(format!("{path}.{name}"), format!("must be from 0 to {max}"));
        }
    }
    limit::check_others(
        fields,
        &format!("{path}.other_limits"),
        procedure.limit.as_ref(),
        &procedure.other_limits,
    );
    for (index, option) in procedure.options.iter().enumerate() {
        fields.id(&format!("{path}.options[{index}]"), option);
    }
    fee::check_tiers(fields, path, procedure);
    fee::check_exemptions(fields, &format!("{path}.exemptions"), &procedure.exemptions);
    for (index, paper) in procedure.papers.iter().enumerate() {
        required_paper(
            &format!("{path}.papers[{index}]"),
            paper,
            index,
            procedure,
            fields,
        );
    }
}

/// A department is named where one decides, and nowhere else.
pub(super) fn departments(
    fields: &mut Fields,
    procedures: &[Procedure],
    agencies: &BTreeMap<String, Agency>,
) {
    for (index, procedure) in procedures.iter().enumerate() {
        let path = format!("catalog.procedures[{index}].competent_agency");
        let code = procedure.competent_agency.as_str();
        let decides = procedure.competent() == AgencyKind::Department;
        let found = agencies.get(code);
        let is_department = found.is_some_and(|it| it.kind() == AgencyKind::Department);
        match (decides, code) {
            (false, "") => {}
            (false, _) => fields.reject(path, "is given where a department decides only"),
            (true, "") => fields.reject(path, "is required where a department decides"),
            (true, _) if !is_department => {
                fields.reject(path, format!("'{code}' is no department of the catalog"));
            }
            (true, _) if found.is_some_and(|it| !it.parent.is_empty()) => {
                fields.reject(
                    path,
                    format!("'{code}' belongs to an agency, and not to the city"),
                );
            }
            (true, _) => {}
        }
    }
}

fn required_paper(
    path: &str,
    paper: &RequiredPaper,
    place: usize,
    procedure: &Procedure,
    fields: &mut Fields,
) {
    fields.id(&format!("{path}.id"), &paper.id);
    fields.text(&format!("{path}.title"), &paper.title);
    let earlier = procedure.papers.iter().take(place);
    if earlier.into_iter().any(|earlier| earlier.id == paper.id) {
        fields.reject(format!("{path}.id"), "stands twice");
    }
    if !paper.option.is_empty() && !procedure.options.contains(&paper.option) {
        fields.reject(
            format!("{path}.option"),
            format!("'{}' is no option of the procedure", paper.option),
        );
    }
    fields.optional_line(&format!("{path}.condition"), &paper.condition);
    if !paper.condition.is_empty() && !paper.optional {
        fields.reject(
            format!("{path}.condition"),
            "is given for an optional paper only: whether it holds is for the counter to judge",
        );
    }
    let counts = [
        ("originals", paper.originals),
        ("copies", paper.copies),
        ("photographs", paper.photographs),
    ];
    for (name, count) in counts {
        if count < 0 {
            fields.reject(format!("{path}.{name}"), "must not be negative");
        }
    }
    if counts.iter().all(|(_, count)| *count <= 0) {
        fields.reject(format!("{path}.originals"), "nothing of it is wanted");
    }
}

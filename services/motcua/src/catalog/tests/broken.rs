use std::fs;

use motcua_proto::r#type::v1::Procedure;

use super::{directory, sound};
use crate::catalog::{fault::Faults, read};

/// A catalog in which one text was replaced by another.
fn broken(file: &str, from: &str, to: &str) -> Vec<(String, Vec<u8>)> {
    let mut files = sound();
    let (_, text) = files.iter_mut().find(|(name, _)| name == file).unwrap();
    let before = String::from_utf8(text.clone()).unwrap();
    assert!(before.contains(from), "{file} has no '{from}'");
    *text = before.replacen(from, to, 1).into_bytes();
    files
}

/// The faults of a catalog, a line each, with paths relative to it.
pub(super) fn faults(files: Vec<(String, Vec<u8>)>) -> Vec<String> {
    let dir = directory(files);
    let faults: Faults = read(dir.path()).expect_err("it must have a fault");
    let root = format!("{}/", dir.path().display());
    faults
        .iter()
        .map(|fault| fault.to_string().replace(&root, ""))
        .collect()
}

/// A fault that is made: what it is, the file, what is replaced by what, and what is said of it.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

/// Each of them is told of once, where it is, and nothing else with it.
fn each_is_told_once(cases: &[Case]) {
    for (what, file, from, to, fault) in cases {
        assert_eq!(faults(broken(file, from, to)), [*fault], "{what}");
    }
}

#[test]
fn the_sound_catalog_is_sound() {
    let dir = directory(sound());
    if let Err(faults) = read(dir.path()) {
        panic!("{faults}");
    }
}

#[test]
fn a_cutoff_of_transfers_that_is_no_hour() {
    let mut files = broken(
        "agencies.csv",
        "parent,calendar\n11593,Phường An Phong,ward,H24.11593,,week\n",
        "parent,calendar,transfer_cutoff\n11593,Phường An Phong,ward,H24.11593,,week,15h\n",
    );
    let (_, text) = files
        .iter_mut()
        .find(|(name, _)| name == "agencies.csv")
        .unwrap();
    let short = String::from_utf8(text.clone()).unwrap();
    *text = short
        .replace("police,,11593,week", "police,,11593,week,")
        .into_bytes();
    assert_eq!(
        faults(files),
        ["agencies.csv:2: transfer_cutoff: '15h' is no hour, such as 15:00"]
    );
}

#[test]
fn misshapen_tables() {
    each_is_told_once(&[
        (
            "a column that nobody knows",
            "agencies.csv",
            "calendar\n",
            "calendar,note\n",
            "agencies.csv:1: note: is no column of this table; they are code, title, kind, identifier, parent, calendar, successors, valid_from, valid_to, transfer_cutoff, superior, phone",
        ),
        (
            "a column that is missing",
            "agencies.csv",
            "code,title,kind,identifier,",
            "code,title,kind,",
            "agencies.csv:1: identifier: is missing among the columns",
        ),
        (
            "a column that stands twice",
            "calendar.csv",
            "date,kind,title",
            "date,kind,title,kind",
            "calendar.csv:2: kind: stands twice",
        ),
        (
            "a row with too few columns",
            "agencies.csv",
            "police,,11593,week",
            "police,11593",
            "agencies.csv:3: has 4 columns in place of 6; a text with a comma stands in double quotes",
        ),
        (
            "a comma outside of quotes",
            "procedures.csv",
            "Đăng ký khai tử,hộ tịch",
            "Đăng ký khai tử, lại,hộ tịch",
            "procedures.csv:4: has 14 columns in place of 13; a text with a comma stands in double quotes",
        ),
        (
            "a quote that is never closed",
            "procedures.csv",
            r#"cư trú",cư trú"#,
            "cư trú,cư trú",
            "procedures.csv:5: opens a double quote that is not closed on the same line",
        ),
        (
            "a table without a head",
            "calendar.csv",
            "date,kind,title\n2025-09-02,holiday,Quốc khánh\n2026-08-22,working,Làm bù cho ngày 31/08/2026\n",
            "",
            "calendar.csv: has no head; its first line is date,kind,title",
        ),
    ]);
}

#[test]
fn rows_that_say_nonsense() {
    each_is_told_once(&[
        (
            "forms that nobody has",
            "procedures.csv",
            "merit=100,residence",
            "merit=100,police",
            "procedures.csv:5: form_set: 'police' is none of standard, residence",
        ),
        (
            "an exemption of nothing",
            "procedures.csv",
            "merit=100",
            "merit=0",
            "procedures.csv:5: exemptions: 'merit=0' is no exemption; write merit, disability, elderly, pregnant or poor, and the percent that is not taken: merit=100",
        ),
        (
            "an exemption of nobody that is known",
            "procedures.csv",
            "merit=100",
            "rich=100",
            "procedures.csv:5: exemptions: 'rich=100' is no exemption; write merit, disability, elderly, pregnant or poor, and the percent that is not taken: merit=100",
        ),
        (
            "an exemption that stands twice",
            "procedures.csv",
            "merit=100",
            "merit=100 merit=50",
            "procedures.csv:5: exemptions: stands twice",
        ),
        (
            "a paper of a procedure that is not there",
            "papers.csv",
            "1.003197,giay-bao-tu",
            "9.999999,giay-bao-tu",
            "papers.csv:3: procedure: there is no procedure '9.999999'",
        ),
        (
            "a paper that stands twice",
            "papers.csv",
            "giay-bao-tu",
            "to-khai",
            "papers.csv:3: id: stands twice",
        ),
        (
            "a paper in half a copy",
            "papers.csv",
            ",,2,,yes",
            ",,0.5,,yes",
            "papers.csv:3: copies: '0.5' must be a number from 0 to 20",
        ),
        (
            "a paper of which nothing is wanted",
            "papers.csv",
            ",,2,,yes",
            ",,0,,yes",
            "papers.csv:3: originals: nothing of it is wanted",
        ),
        (
            "a paper that may be optional",
            "papers.csv",
            "yes",
            "maybe",
            "papers.csv:3: optional: 'maybe' is none of yes, no",
        ),
        (
            "a paper in a case that the procedure does not know",
            "papers.csv",
            "Giấy báo tử,,",
            "Giấy báo tử,abroad,",
            "papers.csv:3: option: 'abroad' is no option of the procedure",
        ),
        (
            "a day that does not exist",
            "calendar.csv",
            "2025-09-02",
            "2025-02-29",
            "calendar.csv:3: date: must be a day that exists, such as 2025-09-02",
        ),
        (
            "a day that stands twice",
            "calendar.csv",
            "2026-08-22",
            "2025-09-02",
            "calendar.csv:4: date: stands twice",
        ),
        (
            "a kind of day that nobody knows",
            "calendar.csv",
            "working",
            "workday",
            "calendar.csv:4: kind: 'workday' is none of holiday, working, morning, afternoon",
        ),
        (
            "a kind of agency that nobody knows",
            "agencies.csv",
            "police,",
            "polce,",
            "agencies.csv:3: kind: 'polce' is none of ward, police, social_insurance, department",
        ),
        (
            "a parent that is not there",
            "agencies.csv",
            "11593,week",
            "11594,week",
            "agencies.csv:3: parent: there is no other agency '11594'",
        ),
        (
            "a calendar that is not there",
            "agencies.csv",
            ",11593,week",
            ",11593,weeks",
            "agencies.csv:3: calendar: there is no calendar 'weeks'",
        ),
        (
            "an agency that stands twice",
            "agencies.csv",
            "11593-ca,Công an phường An Phong,police,,11593,week\n",
            "11593-ca,Công an phường An Phong,police,,11593,week\n11593-ca,Công an phường An Phong,police,,11593,week\n",
            "agencies.csv:4: code: stands twice",
        ),
        (
            "an agency without a name",
            "agencies.csv",
            "Phường An Phong",
            "",
            "agencies.csv:2: title: is required",
        ),
        (
            "an identifier that is none",
            "agencies.csv",
            "H24.11593",
            "H24/11593",
            "agencies.csv:2: identifier: must hold only letters, digits, '.', '-' and '_', at most 100",
        ),
        (
            "a limit without working or calendar",
            "procedures.csv",
            "5 working days",
            "5 days",
            "procedures.csv:5: limit: '5 days' is no limit; write 'N working days' (0.5 allowed), 'N working hours', 'N calendar days' or 'same day', and 'then' between stages",
        ),
        (
            "a limit of nothing",
            "procedures.csv",
            "5 working days",
            "0 working days",
            "procedures.csv:5: limit: '0 working days' is no limit; write 'N working days' (0.5 allowed), 'N working hours', 'N calendar days' or 'same day', and 'then' between stages",
        ),
        (
            "a same day limit without its cut-off",
            "procedures.csv",
            "15:00",
            "",
            "procedures.csv:4: cutoff: '' is no hour; a same-day limit needs its cut-off, such as 15:00",
        ),
        (
            "a cut-off that is no hour",
            "procedures.csv",
            "15:00",
            "15h",
            "procedures.csv:4: cutoff: '15h' is no hour; a same-day limit needs its cut-off, such as 15:00",
        ),
        (
            "a cut-off for a limit of days",
            "procedures.csv",
            "5 working days,,",
            "5 working days,15:00,",
            "procedures.csv:5: cutoff: belongs to a same-day limit only",
        ),
        (
            "a fee with a thousands separator",
            "procedures.csv",
            "15:00,0,0",
            "15:00,8.000,0",
            "procedures.csv:4: fee_vnd: '8.000' is no amount; write whole đồng in digits alone, 0 where it is free",
        ),
        (
            "a fee below zero",
            "procedures.csv",
            "15:00,0,0",
            "15:00,0,-1",
            "procedures.csv:4: fee_online_vnd: '-1' is no amount; write whole đồng in digits alone, 0 where it is free",
        ),
        (
            "a definition that is not there",
            "procedures.csv",
            "ward,plain",
            "ward,plan",
            "procedures.csv:4: definition: there is no definition 'plan'; it would be definitions/plan.toml",
        ),
        (
            "a procedure that stands twice",
            "procedures.csv",
            "1.000656,",
            "1.003197,",
            "procedures.csv:5: code: stands twice",
        ),
        (
            "an option that a branch asks for and nobody offers",
            "procedures.csv",
            "funeral_costs",
            "",
            "procedures.csv:6: options: lacks 'funeral_costs', which a branch of 'linked' asks for and so would never run",
        ),
        (
            "an option that no branch asks for",
            "procedures.csv",
            "ward,plain,",
            "ward,plain,by_post",
            "procedures.csv:4: options: offers 'by_post', which no branch and no condition of 'plain' asks for",
        ),
    ]);
}

#[test]
fn a_catalog_toml_that_says_nonsense() {
    each_is_told_once(&[
        (
            "a key of the catalog that nobody knows",
            "catalog.toml",
            r#"id = "small""#,
            "id = \"small\"\nvalid = 2025",
            "catalog.toml:2: valid: is no key here; known are id, effective_from, due_hour, retention_days, archive_days, calendars",
        ),
        (
            "an id that is none",
            "catalog.toml",
            r#""small""#,
            r#""small city""#,
            "catalog.toml:1: id: must hold only letters, digits, '.', '-' and '_', at most 100",
        ),
        (
            "a due hour that nobody knows",
            "catalog.toml",
            r#""end_of_day""#,
            r#""noon""#,
            "catalog.toml:2: due_hour: 'noon' is none of end_of_day, same_time",
        ),
        (
            "a retention of half a day",
            "catalog.toml",
            r#"due_hour = "end_of_day""#,
            "due_hour = \"end_of_day\"\nretention_days = 0.5",
            "catalog.toml:3: retention_days: must be whole days, at most a hundred years",
        ),
        (
            "a session that ends before it begins",
            "catalog.toml",
            r#"from = "07:00""#,
            r#"from = "12:00""#,
            "catalog.toml:7: sessions: must begin before it ends, within one day",
        ),
        (
            "a field of a session in which work is done",
            "catalog.toml",
            r#"to = "11:30" }"#,
            r#"to = "11:30", fields = ["cư trú"] }"#,
            "catalog.toml:7: fields: belong to a session of reception only: what is worked in, receives every field",
        ),
        (
            "a session of a field that no procedure is of",
            "catalog.toml",
            "reception_only = true",
            r#"reception_only = true, fields = ["cư trú", "đất đai"]"#,
            "catalog.toml:9: fields: no procedure is of the field 'đất đai'",
        ),
        (
            "a session of a field that stands twice",
            "catalog.toml",
            "reception_only = true",
            r#"reception_only = true, fields = ["cư trú", "cư trú"]"#,
            "catalog.toml:9: fields: 'cư trú' stands twice",
        ),
        (
            "a session of no field",
            "catalog.toml",
            "reception_only = true",
            "reception_only = true, fields = []",
            "catalog.toml:9: fields: must name a field; a session without it receives every field",
        ),
        (
            "fields that are no list of texts",
            "catalog.toml",
            "reception_only = true",
            "reception_only = true, fields = \"cư trú\"",
            "catalog.toml:9: fields: must be a list of texts in double quotes",
        ),
        (
            "sessions that overlap",
            "catalog.toml",
            r#"from = "13:30""#,
            r#"from = "11:00""#,
            "catalog.toml:6: sessions: sessions 07:00–11:30 and 11:00–17:00 overlap: join or separate them",
        ),
        (
            "an hour that is none",
            "catalog.toml",
            r#"from = "13:30""#,
            r#"from = "1.30pm""#,
            r#"catalog.toml:8: from: must be an hour such as "07:30""#,
        ),
        (
            "a weekday that is none",
            "catalog.toml",
            r#""sat""#,
            r#""t7""#,
            r#"catalog.toml:9: days: must be a day such as "sat" or days such as "mon-fri""#,
        ),
        (
            "a file of days that is not there",
            "catalog.toml",
            r#""calendar.csv""#,
            r#""calender.csv""#,
            "catalog.toml:5: days: there is no file 'calender.csv' beside this one",
        ),
        (
            "no toml at all",
            "catalog.toml",
            r#"id = "small""#,
            "id: small",
            "catalog.toml:1: key with no value, expected `=`",
        ),
    ]);
}

#[test]
fn misshapen_definitions() {
    each_is_told_once(&[
        (
            "a key of a step that nobody knows",
            "definitions/plain.toml",
            "minutes = 45",
            "minuts = 45\nminutes = 45",
            "definitions/plain.toml:8: minuts: is no key here; known are task, role, agency, minutes, hours, days, next, group, when, left_out_as, escalate_after_percent",
        ),
        (
            "a file that is named otherwise than its definition",
            "definitions/plain.toml",
            r#"id = "plain""#,
            r#"id = "simple""#,
            "definitions/plain.toml:1: id: is 'simple', and the file is named 'plain'",
        ),
        (
            "a step that is nothing",
            "definitions/linked.toml",
            "join = true\nto = \"issue\"",
            r#"to = "issue""#,
            "definitions/linked.toml:29: joined: must have one of task, fork, join, call, choice, timer, external",
        ),
        (
            "a step that is two things",
            "definitions/linked.toml",
            r#"call = "1.003197""#,
            "task = \"Xóa\"\ncall = \"1.003197\"",
            "definitions/linked.toml:18: residence: is one thing only, not task and call at once",
        ),
        (
            "a role that nobody has",
            "definitions/plain.toml",
            r#""officer""#,
            r#""manager""#,
            "definitions/plain.toml:7: role: 'manager' is none of receptionist, officer, leader, home_visitor",
        ),
        (
            "a task without a budget",
            "definitions/plain.toml",
            "minutes = 45\n",
            "",
            "definitions/plain.toml:5: appraise: has no budget; give minutes, hours or days of working time",
        ),
        (
            "a task with two budgets",
            "definitions/plain.toml",
            "minutes = 45",
            "minutes = 45\nhours = 1",
            "definitions/plain.toml:9: hours: stands beside minutes; one budget is enough",
        ),
        (
            "a budget below a minute",
            "definitions/plain.toml",
            "hours = 0.5",
            "hours = 0.001",
            "definitions/plain.toml:14: hours: must be whole minutes, at most a year of working time",
        ),
        (
            "a text where a number belongs",
            "definitions/plain.toml",
            "minutes = 45",
            r#"minutes = "45""#,
            "definitions/plain.toml:8: minutes: must be a number above 0",
        ),
        (
            "a step that stands twice",
            "definitions/plain.toml",
            "[steps.sign]",
            "[steps.appraise]",
            "definitions/plain.toml:11: duplicate key",
        ),
    ]);
}

#[test]
fn definitions_whose_steps_do_not_fit_together() {
    each_is_told_once(&[
        (
            "an outcome that leads nowhere",
            "definitions/plain.toml",
            r#"approved = "sign""#,
            r#"approved = "sing""#,
            "definitions/plain.toml:9: approved: there is no step 'sing'",
        ),
        (
            "a start that is not there",
            "definitions/plain.toml",
            r#"start = "appraise""#,
            r#"start = "begin""#,
            "definitions/plain.toml:3: start: there is no step 'begin'",
        ),
        (
            "a step that no path leads to",
            "definitions/plain.toml",
            r#"approved = "sign""#,
            r#"approved = """#,
            "definitions/plain.toml:11: sign: no path leads to 'sign'",
        ),
        (
            "a branch that ends before the others meet",
            "definitions/linked.toml",
            r#"next = { approved = "joined" }"#,
            r#"next = { approved = "" }"#,
            "definitions/linked.toml:27: approved: must not end inside a branch: it leads to the join 'joined'",
        ),
        (
            "a branch that begins nowhere",
            "definitions/linked.toml",
            r#"{ to = "residence" }"#,
            r#"{ to = "residences" }"#,
            "definitions/linked.toml:13: to: there is no step 'residences'",
        ),
        (
            "a task without a title",
            "definitions/plain.toml",
            r#""Ký""#,
            r#""""#,
            "definitions/plain.toml:12: task: is required",
        ),
    ]);
}

#[test]
fn calls_and_budgets_that_do_not_fit_the_procedures() {
    each_is_told_once(&[
        (
            "a call of a procedure that is not there",
            "definitions/linked.toml",
            r#""1.003197""#,
            r#""1.003198""#,
            "definitions/linked.toml:19: call: there is no procedure '1.003198' in this catalog",
        ),
        (
            "a call of an agency that does not decide it",
            "definitions/linked.toml",
            r#"agency = "police""#,
            r#"agency = "ward""#,
            "definitions/linked.toml:20: agency: procedure 1.003197 is decided by police",
        ),
        (
            "a call with a limit that is none",
            "definitions/linked.toml",
            "agency = \"police\"\n",
            "agency = \"police\"\nlimit = \"2 days\"\n",
            "definitions/linked.toml:21: limit: '2 days' is no limit; write 'N working days' (0.5 allowed), 'N working hours', 'N calendar days' or 'same day', and 'then' between stages",
        ),
        (
            "a call with another limit than none of its own",
            "definitions/linked.toml",
            "agency = \"police\"\n",
            "agency = \"police\"\nother_limits = \"verified=5 working days\"\n",
            "definitions/linked.toml:21: other_limits: belong to a limit of the step's own",
        ),
        (
            "a call whose limit is too short for what is called",
            "definitions/linked.toml",
            "agency = \"police\"\n",
            "agency = \"police\"\nlimit = \"1 working hour\"\n",
            "definitions/linked.toml:21: limit: leaves 1 h of work, and 'plain' takes 1 h 15 min at the longest: appraise 45 min, sign 30 min",
        ),
        (
            "a call that leads back to its caller",
            "procedures.csv",
            "police,plain,",
            "police,linked,funeral_costs",
            "definitions/linked.toml:19: call: procedure 1.003197 leads back to 'linked', without end",
        ),
        (
            "more work than the limit allows",
            "procedures.csv",
            "10 working days",
            "2 working days",
            "procedures.csv:6: limit: leaves 16 h of work, and 'linked' takes 19 h at the longest: register 2 h, funeral 16 h, issue 1 h",
        ),
        (
            "more work than the evening of a same day leaves",
            "definitions/plain.toml",
            "minutes = 45",
            "minutes = 95",
            "procedures.csv:4: limit: leaves 2 h of work, and 'plain' takes 2 h 5 min at the longest: appraise 1 h 35 min, sign 30 min",
        ),
        (
            "a cut-off that leaves too little of the day",
            "procedures.csv",
            "15:00",
            "16:00",
            "procedures.csv:4: limit: leaves 1 h of work, and 'plain' takes 1 h 15 min at the longest: appraise 45 min, sign 30 min",
        ),
        (
            "a cut-off after closing time",
            "procedures.csv",
            "15:00",
            "17:30",
            "procedures.csv:4: limit: leaves 0 min of work, and 'plain' takes 1 h 15 min at the longest: appraise 45 min, sign 30 min",
        ),
        (
            "a procedure that nobody decides",
            "procedures.csv",
            ",ward,plain",
            ",social_insurance,plain",
            "procedures.csv:4: competent: there is no agency of the kind 'social_insurance' in this catalog",
        ),
    ]);
}

#[test]
fn tables_as_spreadsheets_spoil_them() {
    each_is_told_once(&[
        (
            "semicolons",
            "agencies.csv",
            "code,title,kind,identifier,parent,calendar",
            "code;title;kind;identifier;parent;calendar",
            "agencies.csv:1: is divided by ';', and a table is by ','",
        ),
        (
            "tabs",
            "calendar.csv",
            "date,kind,title",
            "date\tkind\ttitle",
            "calendar.csv:2: is divided by '\\t', and a table is by ','",
        ),
        (
            "a head that is missing",
            "agencies.csv",
            "code,title,kind,identifier,parent,calendar\n",
            "",
            "agencies.csv:1: names none of the columns of this table, which are code, title, kind, identifier, parent, calendar, successors, valid_from, valid_to, transfer_cutoff, superior, phone",
        ),
        (
            "a column that is written otherwise",
            "procedures.csv",
            "fee_vnd,",
            "fee,",
            "procedures.csv:3: fee: is no column of this table; missing is fee_vnd",
        ),
        (
            "a day as people write it",
            "calendar.csv",
            "2025-09-02",
            "02/09/2025",
            "calendar.csv:3: date: must be a day that exists, such as 2025-09-02",
        ),
        (
            "a fee as a sheet shows it",
            "procedures.csv",
            "15:00,0,0",
            "15:00,\"8,000 đ\",0",
            "procedures.csv:4: fee_vnd: '8,000 đ' is no amount; write whole đồng in digits alone, 0 where it is free",
        ),
        (
            "a code that became a number",
            "procedures.csv",
            "1.000656",
            "",
            "procedures.csv:4: code: is required",
        ),
    ]);
}

#[test]
fn rows_that_lack_or_exceed_something() {
    each_is_told_once(&[
        (
            "a day without a name",
            "calendar.csv",
            "holiday,Quốc khánh",
            "holiday,",
            "calendar.csv:3: title: is required; it explains a due date to people",
        ),
        (
            "an agency that is its own parent",
            "agencies.csv",
            ",11593,week",
            ",11593-ca,week",
            "agencies.csv:3: parent: there is no other agency '11593-ca'",
        ),
        (
            "an identifier that two agencies have",
            "agencies.csv",
            "police,,",
            "police,H24.11593,",
            "agencies.csv:3: identifier: belongs to another agency too",
        ),
        (
            "a code with a space",
            "agencies.csv",
            "11593-ca",
            "11593 ca",
            "agencies.csv:3: code: must hold only letters, digits, '.', '-' and '_', at most 100",
        ),
        (
            "an agency of no kind",
            "agencies.csv",
            ",police,",
            ",,",
            "agencies.csv:3: kind: '' is none of ward, police, social_insurance, department",
        ),
        (
            "a procedure without a name",
            "procedures.csv",
            "Đăng ký khai tử",
            "",
            "procedures.csv:4: title: is required",
        ),
        (
            "a procedure without a field",
            "procedures.csv",
            ",hộ tịch,",
            ",,",
            "procedures.csv:4: field: is required",
        ),
        (
            "a procedure that nobody is named for",
            "procedures.csv",
            ",ward,plain",
            ",,plain",
            "procedures.csv:4: competent: '' is none of ward, police, social_insurance, department",
        ),
        (
            "a department that is not named",
            "procedures.csv",
            ",ward,plain",
            ",department,plain",
            "procedures.csv:4: competent_agency: is required where a department decides",
        ),
        (
            "a procedure without a definition",
            "procedures.csv",
            ",ward,plain,",
            ",ward,,",
            "procedures.csv:4: definition: is required",
        ),
        (
            "an option that is no word",
            "procedures.csv",
            "funeral_costs",
            "funeral/costs",
            "procedures.csv:6: options: must hold only letters, digits, '.', '-' and '_', at most 100",
        ),
        (
            "a limit of more than ten years",
            "procedures.csv",
            "5 working days",
            "4000 working days",
            "procedures.csv:5: limit: '4000 working days' is no limit; write 'N working days' (0.5 allowed), 'N working hours', 'N calendar days' or 'same day', and 'then' between stages",
        ),
        (
            "a limit of a third of a day",
            "procedures.csv",
            "5 working days",
            "0.3 working days",
            "procedures.csv:5: limit: '0.3 working days' is no limit; write 'N working days' (0.5 allowed), 'N working hours', 'N calendar days' or 'same day', and 'then' between stages",
        ),
        (
            "a limit of a part of an hour",
            "procedures.csv",
            "5 working days",
            "2.5 working hours",
            "procedures.csv:5: limit: '2.5 working hours' is no limit; write 'N working days' (0.5 allowed), 'N working hours', 'N calendar days' or 'same day', and 'then' between stages",
        ),
        (
            "a stage that ends on the same day",
            "procedures.csv",
            "5 working days",
            "5 working days then same day",
            "procedures.csv:5: limit: '5 working days then same day' is no limit; write 'N working days' (0.5 allowed), 'N working hours', 'N calendar days' or 'same day', and 'then' between stages",
        ),
        (
            "a limit in Vietnamese",
            "procedures.csv",
            "5 working days",
            "05 ngày làm việc",
            "procedures.csv:5: limit: '05 ngày làm việc' is no limit; write 'N working days' (0.5 allowed), 'N working hours', 'N calendar days' or 'same day', and 'then' between stages",
        ),
        (
            "a fee beyond all measure",
            "procedures.csv",
            "15:00,0,0",
            "15:00,8000000000000,0",
            "procedures.csv:4: fee_vnd: '8000000000000' is no amount; write whole đồng in digits alone, 0 where it is free",
        ),
    ]);
}

#[test]
fn a_catalog_toml_that_lacks_or_exceeds_something() {
    each_is_told_once(&[
        (
            "a key that is written otherwise",
            "catalog.toml",
            "sessions = [",
            "session = [",
            "catalog.toml:6: session: is no key here; missing is sessions",
        ),
        (
            "a key that is missing",
            "catalog.toml",
            "due_hour = \"end_of_day\"\n",
            "",
            "catalog.toml:1: due_hour: is missing",
        ),
        (
            "no id",
            "catalog.toml",
            r#""small""#,
            r#""""#,
            "catalog.toml:1: id: is required",
        ),
        (
            "a number for an id",
            "catalog.toml",
            r#""small""#,
            "2025",
            "catalog.toml:1: id: must be a text in double quotes",
        ),
        (
            "a week from its end to its beginning",
            "catalog.toml",
            r#""mon-fri""#,
            r#""fri-mon""#,
            r#"catalog.toml:7: days: must be a day such as "sat" or days such as "mon-fri""#,
        ),
        (
            "a session into the night",
            "catalog.toml",
            r#"to = "17:00""#,
            r#"to = "24:30""#,
            r#"catalog.toml:8: to: must be an hour such as "07:30""#,
        ),
        (
            "an archive after two centuries",
            "catalog.toml",
            r#"due_hour = "end_of_day""#,
            "due_hour = \"end_of_day\"\narchive_days = 73050",
            "catalog.toml:3: archive_days: must be whole days, at most a hundred years",
        ),
        (
            "a first day that does not exist",
            "catalog.toml",
            r#"due_hour = "end_of_day""#,
            "due_hour = \"end_of_day\"\neffective_from = \"2026-02-30\"",
            "catalog.toml:3: effective_from: must be a day such as \"2026-01-01\"",
        ),
        (
            "a retention below zero",
            "catalog.toml",
            r#"due_hour = "end_of_day""#,
            "due_hour = \"end_of_day\"\nretention_days = -1",
            "catalog.toml:3: retention_days: must be a number above 0",
        ),
        (
            "a flag that is a text",
            "catalog.toml",
            "reception_only = true",
            r#"reception_only = "yes""#,
            "catalog.toml:9: reception_only: must be true or false",
        ),
        (
            "sessions that are no list",
            "catalog.toml",
            "sessions = [\n    { days = \"mon-fri\", from = \"07:00\", to = \"11:30\" },\n    { days = \"mon-fri\", from = \"13:30\", to = \"17:00\" },\n    { days = \"sat\", from = \"07:30\", to = \"11:30\", reception_only = true },\n]",
            "sessions = \"mon-fri\"",
            "catalog.toml:6: sessions: must be a list of { tables }",
        ),
        (
            "a calendar without a session",
            "catalog.toml",
            "sessions = [\n    { days = \"mon-fri\", from = \"07:00\", to = \"11:30\" },\n    { days = \"mon-fri\", from = \"13:30\", to = \"17:00\" },\n",
            "sessions = [\n",
            "catalog.toml:6: sessions: hold none in which work is done, and without one no limit ever ends",
        ),
    ]);
}

#[test]
fn definitions_that_lack_or_exceed_something() {
    each_is_told_once(&[
        (
            "a key of a task that is written otherwise",
            "definitions/plain.toml",
            "role = \"officer\"",
            "rol = \"officer\"",
            "definitions/plain.toml:7: rol: is no key here; missing is role",
        ),
        (
            "a definition without a beginning",
            "definitions/plain.toml",
            "start = \"appraise\"\n",
            "",
            "definitions/plain.toml:1: start: is missing",
        ),
        (
            "a task that leads nowhere at all",
            "definitions/plain.toml",
            "next = { approved = \"sign\", rejected = \"\" }\n",
            "",
            "definitions/plain.toml:5: next: is missing",
        ),
        (
            "a call of nobody",
            "definitions/linked.toml",
            "agency = \"police\"\n",
            "",
            "definitions/linked.toml:18: agency: is missing",
        ),
        (
            "a fork into nothing",
            "definitions/linked.toml",
            "fork = [\n    { to = \"residence\" },\n    { to = \"funeral\", option = \"funeral_costs\" },\n]",
            "fork = \"residence\"",
            "definitions/linked.toml:12: fork: must be a list of { tables }",
        ),
        (
            "a table that is never closed",
            "definitions/plain.toml",
            "[steps.sign]",
            "[steps.sign",
            "definitions/plain.toml:11: unclosed table, expected `]`",
        ),
    ]);
}

/// The columns for what takes whose place are there where somebody needs them.
fn with_succession() -> Vec<(String, Vec<u8>)> {
    sound()
        .into_iter()
        .map(|(name, text)| {
            let more = match name.as_str() {
                "agencies.csv" => [
                    "successors,valid_from,valid_to",
                    "11600,2025-07-01,2026-06-30",
                    ",,",
                ]
                .as_slice(),
                "procedures.csv" => &[
                    "aliases,successor,valid_from,valid_to",
                    "1.000001 1.000002,1.003197,2025-07-01,2026-08-31",
                    ",,2026-09-01,",
                    ",,,",
                ],
                _ => return (name, text),
            };
            let text = String::from_utf8(text).unwrap();
            let mut more = more.iter();
            let lines = text.lines().map(|line| {
                if line.is_empty() || line.starts_with('#') {
                    return format!("{line}\n");
                }
                format!("{line},{}\n", more.next().unwrap())
            });
            (name, lines.collect::<String>().into_bytes())
        })
        .collect()
}

#[test]
fn what_takes_whose_place_is_read() {
    let dir = directory(with_succession());
    let catalog = read(dir.path())
        .unwrap_or_else(|faults| panic!("{faults}"))
        .catalog;
    let (agency, procedure) = (&catalog.agencies[0], &catalog.procedures[0]);
    assert_eq!(agency.successors, ["11600"]);
    assert_eq!(
        agency.valid_to.map(|day| (day.year, day.month, day.day)),
        Some((2026, 6, 30))
    );
    assert_eq!(procedure.aliases, ["1.000001", "1.000002"]);
    assert_eq!(procedure.successor, "1.003197");
    let days = |procedure: &Procedure| {
        [procedure.valid_from, procedure.valid_to]
            .map(|day| day.map(|day| (day.year, day.month, day.day)))
    };
    assert_eq!(days(procedure), [Some((2025, 7, 1)), Some((2026, 8, 31))]);
    assert_eq!(days(&catalog.procedures[1]), [Some((2026, 9, 1)), None]);
    assert_eq!(catalog.agencies[1].valid_from, None);
}

#[test]
fn a_definition_may_call_a_procedure_by_an_old_code() {
    let mut files = with_succession();
    for (file, from, to) in [
        (
            "procedures.csv",
            ",1.000001 1.000002,1.003197,2025-07-01,2026-08-31",
            ",,,,",
        ),
        (
            "procedures.csv",
            "police,plain,,merit=100,residence,,,2026-09-01,",
            "police,plain,,merit=100,residence,1.003190,,2026-09-01,",
        ),
        ("definitions/linked.toml", "1.003197", "1.003190"),
    ] {
        let (_, text) = files.iter_mut().find(|(name, _)| name == file).unwrap();
        let before = String::from_utf8(text.clone()).unwrap();
        assert!(before.contains(from), "{file} has no '{from}':\n{before}");
        *text = before.replacen(from, to, 1).into_bytes();
    }
    let dir = directory(files);
    if let Err(faults) = read(dir.path()) {
        panic!("{faults}");
    }
}

#[test]
fn successions_that_contradict_themselves() {
    for (what, file, from, to, fault) in [
        (
            "an alias that is a code",
            "procedures.csv",
            "1.000002",
            "1.003197",
            "procedures.csv:4: aliases: '1.003197' is the code of a procedure itself",
        ),
        (
            "an alias that stands twice",
            "procedures.csv",
            "1.000002",
            "1.000001",
            "procedures.csv:4: aliases: '1.000001' stands for '1.000656' already",
        ),
        (
            "an alias that is none",
            "procedures.csv",
            "1.000002",
            "1/2",
            "procedures.csv:4: aliases: must hold only letters, digits, '.', '-' and '_', at most 100",
        ),
        (
            "a procedure that follows itself",
            "procedures.csv",
            ",1.003197,2025-07-01,2026-08-31",
            ",1.000656,,",
            "procedures.csv:4: successor: leads back to '1.000656', without end",
        ),
        (
            "a successor that is none",
            "procedures.csv",
            ",1.003197,",
            ",none at all,",
            "procedures.csv:4: successor: must hold only letters, digits, '.', '-' and '_', at most 100",
        ),
        (
            "an agency that follows itself",
            "agencies.csv",
            "11600",
            "11593",
            "agencies.csv:2: successors: leads back to '11593', without end",
        ),
        (
            "a last day of a procedure before the first",
            "procedures.csv",
            "2025-07-01,2026-08-31",
            "2026-08-31,2025-07-01",
            "procedures.csv:4: valid_to: lies before the first day, 2026-08-31",
        ),
        (
            "a last day of a procedure that is no day",
            "procedures.csv",
            "2026-08-31",
            "31/8/2026",
            "procedures.csv:4: valid_to: must be a day that exists, such as 2025-07-01, or be left empty",
        ),
        (
            "a procedure that goes on when another one has taken its place",
            "procedures.csv",
            "2026-08-31",
            "2026-09-01",
            "procedures.csv:4: valid_to: must lie before 2026-09-01, from which day on '1.003197' takes its place",
        ),
        (
            "a procedure that ends after what takes its place has always been there",
            "procedures.csv",
            ",,2026-09-01,\n",
            ",,,\n",
            "procedures.csv:4: valid_to: means nothing while '1.003197', which takes its place, has no valid_from",
        ),
        (
            "a last day before the first",
            "agencies.csv",
            "2026-06-30",
            "2025-06-30",
            "agencies.csv:2: valid_to: lies before the first day, 2025-07-01",
        ),
        (
            "a first day that does not exist",
            "agencies.csv",
            "2025-07-01",
            "2025-02-30",
            "agencies.csv:2: valid_from: must be a day that exists, such as 2025-07-01, or be left empty",
        ),
    ] {
        let mut files = with_succession();
        let (_, text) = files.iter_mut().find(|(name, _)| name == file).unwrap();
        let before = String::from_utf8(text.clone()).unwrap();
        assert!(before.contains(from), "{file} has no '{from}'");
        *text = before.replacen(from, to, 1).into_bytes();
        assert_eq!(faults(files), [fault], "{what}");
    }
}

/// What a file becomes whose last save failed, or that was begun and left.
#[test]
fn a_file_that_holds_nothing() {
    for (name, fault) in [
        ("catalog.toml", "catalog.toml: holds nothing"),
        (
            "agencies.csv",
            "agencies.csv: has no head; its first line is code,title,kind,identifier,parent,calendar",
        ),
        (
            "definitions/plain.toml",
            "definitions/plain.toml: holds nothing",
        ),
    ] {
        let mut files = sound();
        let (_, text) = files.iter_mut().find(|(file, _)| file == name).unwrap();
        *text = b"# to be written\n".to_vec();
        assert_eq!(faults(files), [fault]);
    }
}

#[test]
fn a_file_in_sixteen_bits() {
    let mut files = sound();
    let (_, text) = files
        .iter_mut()
        .find(|(name, _)| name == "agencies.csv")
        .unwrap();
    *text = std::iter::once(0xfeff)
        .chain(String::from_utf8(text.clone()).unwrap().encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(faults(files), ["agencies.csv:1: is not written in UTF-8"]);
}

#[test]
fn a_file_that_is_missing() {
    for name in ["catalog.toml", "agencies.csv", "procedures.csv"] {
        let files = sound()
            .into_iter()
            .filter(|(file, _)| file != name)
            .collect();
        assert_eq!(faults(files), [format!("{name}: is missing")]);
    }
}

#[test]
fn a_file_in_another_encoding() {
    let mut files = sound();
    let (_, text) = files
        .iter_mut()
        .find(|(name, _)| name == "calendar.csv")
        .unwrap();
    // `ê` of Windows-1258.
    text.extend(b"2027-01-01,holiday,T\xeat\n");
    assert_eq!(faults(files), ["calendar.csv:5: is not written in UTF-8"]);
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_are_no_fault() {
    let files = sound().into_iter().map(|(name, text)| {
        let text = String::from_utf8(text).unwrap().replace('\n', "\r\n");
        (name, format!("\u{feff}{text}").into_bytes())
    });
    let dir = directory(files);
    if let Err(faults) = read(dir.path()) {
        panic!("{faults}");
    }
}

#[test]
fn a_directory_that_is_not_there() {
    let dir = directory(sound());
    let faults = read(&dir.path().join("nowhere"))
        .expect_err("it is not there")
        .to_string();
    assert_eq!(faults.lines().count(), 1, "{faults}");
    assert!(
        faults.contains("nowhere: is no directory that can be read"),
        "{faults}"
    );
}

#[test]
fn no_definitions_at_all() {
    let dir = directory(sound());
    fs::remove_dir_all(dir.path().join("definitions")).unwrap();
    let faults = read(dir.path()).expect_err("there are none").to_string();
    assert!(
        faults.contains("definitions: is no directory that can be read"),
        "{faults}"
    );
}

#[test]
fn the_faults_of_all_files_are_told_at_once_in_the_order_of_their_lines() {
    let mut files = sound();
    for (name, from, to) in [
        ("procedures.csv", "5 working days", "five days"),
        ("procedures.csv", "15:00,0,0", "15:00,free,0"),
        ("agencies.csv", ",11593,week", ",11594,week"),
        ("calendar.csv", "2025-09-02", "2025-09-31"),
        ("catalog.toml", "end_of_day", "evening"),
        ("definitions/plain.toml", "\"officer\"", "\"clerk\""),
        ("definitions/plain.toml", "hours = 0.5", "hours = -1"),
        ("definitions/linked.toml", "to = \"issue\"", "to = \"isue\""),
    ] {
        let (_, text) = files.iter_mut().find(|(file, _)| file == name).unwrap();
        *text = String::from_utf8(text.clone())
            .unwrap()
            .replacen(from, to, 1)
            .into_bytes();
    }
    let places: Vec<_> = faults(files)
        .iter()
        .map(|fault| fault.split(": ").take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        places,
        [
            "agencies.csv:3 parent",
            "calendar.csv:3 date",
            "catalog.toml:2 due_hour",
            "definitions/linked.toml:31 to",
            "definitions/plain.toml:7 role",
            "definitions/plain.toml:14 hours",
            "procedures.csv:4 fee_vnd",
            "procedures.csv:5 limit",
        ]
    );
}

/// What a limit that may be chosen must look like.
const OTHER_LIMIT: &str = "write its id and 'N working days' (0.5 allowed), 'N working hours', 'N calendar days' or 'same day', and 'then' between stages: verified=3 working days";

#[test]
fn other_limits_that_mean_nothing() {
    let with = |others: &str| {
        let mut files = sound();
        let table = files.iter_mut().find(|(name, _)| name == "procedures.csv");
        let text = &mut table.unwrap().1;
        let rows = String::from_utf8(text.clone()).unwrap();
        *text = rows
            .replace(
                "exemptions,form_set\n",
                "exemptions,form_set,other_limits\n",
            )
            .replace("ward,plain,,,\n", "ward,plain,,,,\n")
            .replace(
                "merit=100,residence\n",
                &format!("merit=100,residence,{others}\n"),
            )
            .replace("funeral_costs,,\n", "funeral_costs,,,\n")
            .into_bytes();
        files
    };
    for others in [
        "",
        "verified=10 working days",
        "a=1.5 working days; b=same day",
    ] {
        if let Err(faults) = read(directory(with(others)).path()) {
            panic!("{others}: {faults}");
        }
    }
    for (others, fault) in [
        (
            "3 working days",
            format!("'3 working days' is no other limit; {OTHER_LIMIT}"),
        ),
        (
            "verified=soon",
            format!("'verified=soon' is no other limit; {OTHER_LIMIT}"),
        ),
        (
            "verified=8 working days; verified=9 working days",
            "stands twice".to_owned(),
        ),
        (
            "verified=5 working days",
            "is the limit already".to_owned(),
        ),
        (
            "two words=8 working days",
            "must hold only letters, digits, '.', '-' and '_', at most 100".to_owned(),
        ),
        (
            "verified=1 working hour",
            "'verified' leaves 1 h of work, and 'plain' takes 1 h 15 min at the longest: appraise 45 min, sign 30 min"
                .to_owned(),
        ),
    ] {
        let told = faults(with(others));
        assert_eq!(told, [format!("procedures.csv:5: other_limits: {fault}")]);
    }
}

#[test]
fn times_that_nobody_gives() {
    let with = |column: &str, value: &str| {
        let mut files = sound();
        let table = files.iter_mut().find(|(name, _)| name == "procedures.csv");
        let text = &mut table.unwrap().1;
        let rows = String::from_utf8(text.clone()).unwrap();
        *text = rows
            .replace(
                "exemptions,form_set\n",
                &format!("exemptions,form_set,{column}\n"),
            )
            .replace("ward,plain,,,\n", "ward,plain,,,,\n")
            .replace(
                "merit=100,residence\n",
                &format!("merit=100,residence,{value}\n"),
            )
            .replace("funeral_costs,,\n", "funeral_costs,,,\n")
            .into_bytes();
        files
    };
    for (column, max) in [
        ("acceptance_hours", 80),
        ("supplement_days", 250),
        ("supplement_rounds", 10),
    ] {
        for sound in [String::new(), "1".to_owned(), max.to_string()] {
            let bundle = read(directory(with(column, &sound)).path())
                .unwrap_or_else(|faults| panic!("{column}={sound}: {faults}"));
            let procedure = &bundle.catalog.procedures[1];
            let read = match column {
                "acceptance_hours" => procedure.acceptance_hours,
                "supplement_days" => procedure.supplement_days,
                _ => procedure.supplement_rounds,
            };
            assert_eq!(read, sound.parse().unwrap_or(0), "{column}");
        }
        for wrong in ["0", "-1", "1.5", "nhiều", &(max + 1).to_string()] {
            assert_eq!(
                faults(with(column, wrong)),
                [format!(
                    "procedures.csv:5: {column}: '{wrong}' must be a number from 1 to {max}"
                )]
            );
        }
    }
}

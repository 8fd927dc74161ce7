//! A definition in TOML, as the catalog's files have it.

use std::fmt::Write as _;

use motcua_proto::{
    r#type::v1::AgencyKind,
    workflow::v1::{Definition, Transition, step::Kind, timer_step::Wait},
};

use super::super::words::{agency_word, role_word, written_limit, written_limits};

/// Writes it. A drawing has no comments, so neither has this.
pub(super) fn toml(definition: &Definition) -> String {
    let mut out = String::new();
    line(&mut out, "id", &quoted(&definition.id));
    line(&mut out, "title", &quoted(&definition.title));
    line(&mut out, "start", &quoted(&definition.start));
    if !definition.due_soon_percents.is_empty() {
        let percents: Vec<_> = definition
            .due_soon_percents
            .iter()
            .map(ToString::to_string)
            .collect();
        line(&mut out, "due_soon", &format!("[{}]", percents.join(", ")));
    }
    if !definition.refusals.is_empty() {
        let refusals: Vec<_> = definition.refusals.iter().map(|it| quoted(it)).collect();
        line(&mut out, "refusals", &format!("[{}]", refusals.join(", ")));
    }
    for step in &definition.steps {
        let Some(kind) = &step.kind else { continue };
        let _ = writeln!(out, "\n[steps.{}]", key(&step.id));
        write_step(&mut out, kind);
    }
    out
}

fn write_step(out: &mut String, kind: &Kind) {
    match kind {
        Kind::Task(task) => {
            line(out, "task", &quoted(&task.title));
            line(out, "role", &quoted(role_word(task.role())));
            agency(out, task.agency());
            line(out, "minutes", &task.planned_minutes.to_string());
            text(out, "group", &task.group);
            text(out, "when", &task.when);
            text(out, "left_out_as", &task.left_out_as);
            escalation(out, task.escalate_after_percent);
            line(out, "next", &transitions(&task.transitions));
        }
        Kind::External(external) => {
            line(out, "external", &quoted(&external.system));
            line(out, "title", &quoted(&external.title));
            agency(out, external.agency());
            line(out, "minutes", &external.planned_minutes.to_string());
            escalation(out, external.escalate_after_percent);
            let codes: Vec<_> = external
                .codes
                .iter()
                .map(|code| {
                    let outcome = quoted(&code.outcome);
                    if code.reason.is_empty() {
                        return format!("{} = {outcome}", key(&code.code));
                    }
                    format!(
                        "{} = {{ outcome = {outcome}, reason = {}, ground = {} }}",
                        key(&code.code),
                        quoted(&code.reason),
                        quoted(&code.ground)
                    )
                })
                .collect();
            line(out, "codes", &format!("{{ {} }}", codes.join(", ")));
            line(out, "next", &transitions(&external.transitions));
        }
        Kind::Choice(choice) => {
            let ways: Vec<_> = choice
                .ways
                .iter()
                .map(|way| {
                    format!(
                        "\n    {{ when = {}, to = {} }},",
                        quoted(&way.when),
                        quoted(&way.to)
                    )
                })
                .collect();
            line(out, "choice", &format!("[{}\n]", ways.concat()));
            line(out, "otherwise", &quoted(&choice.otherwise));
        }
        Kind::Fork(fork) => {
            let branches: Vec<_> = fork
                .branches
                .iter()
                .map(|branch| match branch.option.as_str() {
                    "" => format!("\n    {{ to = {} }},", quoted(&branch.to)),
                    option => format!(
                        "\n    {{ to = {}, option = {} }},",
                        quoted(&branch.to),
                        quoted(option)
                    ),
                })
                .collect();
            line(out, "fork", &format!("[{}\n]", branches.concat()));
            line(out, "join", &quoted(&fork.join));
        }
        Kind::Join(join) => {
            line(out, "join", "true");
            line(out, "to", &quoted(&join.to));
        }
        Kind::Call(call) => {
            line(out, "call", &quoted(&call.procedure));
            agency(out, call.agency());
            for (key, limit) in [
                ("limit", written_limit(call.limit.as_ref())),
                ("other_limits", written_limits(&call.other_limits)),
            ] {
                if !limit.is_empty() {
                    line(out, key, &quoted(&limit));
                }
            }
            line(out, "to", &quoted(&call.to));
        }
        Kind::Timer(timer) => {
            let wait = match timer.wait {
                Some(Wait::CalendarDays(days)) => format!("{{ calendar_days = {days} }}"),
                Some(Wait::WorkingMinutes(minutes)) => format!("{{ minutes = {minutes} }}"),
                None => "{}".to_owned(),
            };
            line(out, "timer", &wait);
            line(out, "to", &quoted(&timer.to));
        }
    }
}

fn transitions(ways: &[Transition]) -> String {
    let ways: Vec<_> = ways
        .iter()
        .map(|way| {
            let outcome = key(&way.outcome);
            match way.at_most {
                0 => format!("{outcome} = {}", quoted(&way.to)),
                times => format!(
                    "{outcome} = {{ to = {}, at_most = {times} }}",
                    quoted(&way.to)
                ),
            }
        })
        .collect();
    format!("{{ {} }}", ways.join(", "))
}

fn agency(out: &mut String, kind: AgencyKind) {
    if kind != AgencyKind::Unspecified {
        line(out, "agency", &quoted(agency_word(kind)));
    }
}

fn escalation(out: &mut String, percent: i32) {
    if percent > 0 {
        line(out, "escalate_after_percent", &percent.to_string());
    }
}

fn text(out: &mut String, name: &str, value: &str) {
    if !value.is_empty() {
        line(out, name, &quoted(value));
    }
}

fn line(out: &mut String, name: &str, value: &str) {
    let _ = writeln!(out, "{name} = {value}");
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A key, in quotes where it needs them.
fn key(text: &str) -> String {
    let is_bare = !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if is_bare {
        text.to_owned()
    } else {
        quoted(text)
    }
}

//! `motcua policy`: who may call what, as the contract says it.

use std::{fmt::Write as _, process::ExitCode};

use motcua_platform::policy::{self, MethodPolicy};
use motcua_proto::{
    policy::v1::{Allowance, Scope},
    r#type::v1::Role,
};

/// Prints the matrix: methods down, roles across.
#[derive(Debug, clap::Args)]
#[command(after_help = LEGEND)]
pub(crate) struct Args {
    /// As the table that stands in proto/README.md.
    #[arg(long)]
    markdown: bool,
}

const LEGEND: &str = "\
city   every dossier of the city
own    dossiers that one of the caller's agencies received, is competent for, or works on
self   dossiers that the caller submitted as a citizen
svc    a service of the suite, by rule
-      refused
A method in the last column is everybody's, without a credential.";

/// The columns. The order is that of the counter: from the citizen inwards.
const ROLES: [(Role, &str); 10] = [
    (Role::Citizen, "citizen"),
    (Role::Receptionist, "receptionist"),
    (Role::Officer, "officer"),
    (Role::Leader, "leader"),
    (Role::HomeVisitor, "home visitor"),
    (Role::WardAdministrator, "ward adm."),
    (Role::CitySupervisor, "city superv."),
    (Role::Administrator, "city adm."),
    (Role::System, "system"),
    (Role::Auditor, "auditor"),
];

pub(crate) fn run(args: &Args) -> ExitCode {
    if args.markdown {
        print!("{}", markdown());
    } else {
        print!("{}", text());
        println!("\n{LEGEND}");
    }
    ExitCode::SUCCESS
}

/// One method's row: its service, its name, a cell for each role, who of the suite's services, and whether it is
/// everybody's.
struct Row {
    service: &'static str,
    method: &'static str,
    cells: Vec<&'static str>,
    services: String,
    public: bool,
}

fn rows() -> Vec<Row> {
    policy::matrix().map(row).collect()
}

fn row(MethodPolicy { method, policy }: MethodPolicy) -> Row {
    let (service, method) = method.split_once('/').unwrap_or(("", method));
    let allowances: &[Allowance] = policy.map_or(&[], |policy| &policy.allow);
    let cell = |role: Role| {
        allowances
            .iter()
            .find(|allowance| allowance.roles().any(|it| it == role))
            .map_or("-", |allowance| word(allowance.scope()))
    };
    Row {
        service: service.strip_prefix("motcua.").unwrap_or(service),
        method,
        cells: ROLES.iter().map(|(role, _)| cell(*role)).collect(),
        services: allowances
            .iter()
            .flat_map(|allowance| allowance.services.iter())
            .cloned()
            .collect::<Vec<_>>()
            .join(", "),
        public: allowances
            .iter()
            .any(|allowance| allowance.scope() == Scope::Public),
    }
}

fn word(scope: Scope) -> &'static str {
    match scope {
        Scope::OwnAgency => "own",
        Scope::City => "city",
        Scope::Self_ => "self",
        Scope::Service => "svc",
        Scope::Public => "all",
        Scope::Unspecified => "-",
    }
}

fn text() -> String {
    let rows = rows();
    let width = rows
        .iter()
        .map(|row| row.method.len() + 2)
        .max()
        .unwrap_or_default();
    let mut text = format!("{:width$}", "");
    for (_, role) in ROLES {
        write!(text, "  {role:>8}").ok();
    }
    text.push_str("  services\n");
    let mut service = "";
    for row in rows {
        if row.service != service {
            service = row.service;
            writeln!(text, "{service}").ok();
        }
        write!(text, "{:width$}", format!("  {}", row.method)).ok();
        for ((_, role), cell) in ROLES.iter().zip(&row.cells) {
            let cell = if row.public { "all" } else { cell };
            write!(text, "  {cell:>column$}", column = role.len().max(8)).ok();
        }
        writeln!(text, "  {}", row.services).ok();
    }
    text
}

/// The table of `proto/README.md`.
pub(crate) fn markdown() -> String {
    let mut table = String::from("| method |");
    for (_, role) in ROLES {
        write!(table, " {role} |").ok();
    }
    table.push_str(" services |\n|---|");
    table.push_str(&":-:|".repeat(ROLES.len()));
    table.push_str("---|\n");
    let mut service = "";
    for row in rows() {
        if row.service != service {
            service = row.service;
            writeln!(table, "| **{service}** |{}", " |".repeat(ROLES.len() + 1)).ok();
        }
        write!(table, "| `{}` |", row.method).ok();
        for cell in &row.cells {
            let cell = match (row.public, *cell) {
                (true, _) => "all",
                (false, "-") => "",
                (false, cell) => cell,
            };
            write!(table, " {cell} |").ok();
        }
        writeln!(table, " {} |", row.services).ok();
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contracts_readme_shows_the_matrix_as_it_is() {
        let readme = include_str!("../../../proto/README.md");
        assert!(
            readme.contains(&markdown()),
            "proto/README.md does not hold the present matrix; `motcua policy --markdown` prints it"
        );
    }

    #[test]
    fn a_row_shows_every_role() {
        let row = rows()
            .into_iter()
            .find(|row| row.method == "GetDossier")
            .unwrap();
        assert_eq!(
            row.cells,
            [
                "self", "own", "own", "own", "own", "own", "city", "-", "own", "-"
            ]
        );
        assert_eq!(row.services, "notification");
        let text = text();
        let widths: Vec<_> = text.lines().map(|line| line.find("  city  ")).collect();
        assert!(widths.iter().any(Option::is_some), "{text}");
    }
}

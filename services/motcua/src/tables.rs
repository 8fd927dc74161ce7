//! Tables and forms for people: the settlement report II.06a, the control sheet (Mẫu 06), durations.

use std::fmt::Write as _;

use jiff::Timestamp;
use motcua_calendar::local;
use motcua_platform::{
    catalog::Catalog,
    time::{date_from_proto, from_proto_opt},
};
use motcua_proto::{
    google::r#type::Date,
    statistics::v1::{GetDurationsResponse, SettlementFigures, SettlementReport},
    r#type::v1::{Punctuality, Role},
    workflow::v1::{ControlSheet, ControlSheetLine},
};

/// Characters of a procedure's name in a table.
const TITLE_WIDTH: usize = 56;

/// A table of text: the first columns to the left, the others, which are numbers, to the right.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>], left: usize) -> String {
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count());
            cells
                .chain([header[column].chars().count()])
                .max()
                .unwrap_or(0)
        })
        .collect();
    let line = |cells: &[&str]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, width))| {
                let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
                if column < left {
                    format!("{cell}{gap}")
                } else {
                    format!("{gap}{cell}")
                }
            })
            .collect();
        format!("  {}\n", padded.join("  ").trim_end())
    };
    let mut text = line(header);
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    text.push_str(&line(&rule.iter().map(String::as_str).collect::<Vec<_>>()));
    for row in rows {
        text.push_str(&line(&row.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    text
}

/// The settlement report II.06a, with its columns as the form numbers them.
pub(crate) fn settlement(report: &SettlementReport, agency: &str) -> String {
    let mut text = String::new();
    // Writing into a string does not fail, here and below.
    writeln!(
        text,
        "  Biểu số II.06a/VPCP/KSTT: Tình hình, kết quả giải quyết thủ tục hành chính"
    )
    .ok();
    writeln!(text, "  Đơn vị: {agency}").ok();
    writeln!(
        text,
        "  Kỳ báo cáo: từ {} đến {}; đơn vị tính: hồ sơ",
        day(report.from.as_ref()),
        day(report.to.as_ref())
    )
    .ok();
    writeln!(
        text,
        "  Tiếp nhận: (3) tổng số = (4) trực tuyến + (5) trực tiếp, bưu chính + (6) kỳ trước chuyển qua\n  \
         Đã giải quyết: (7) tổng số = (8) trước hạn + (9) đúng hạn + (10) quá hạn\n  \
         Đang giải quyết: (11) tổng số = (12) trong hạn + (13) quá hạn\n"
    )
    .ok();
    let mut rows: Vec<Vec<String>> = report
        .lines
        .iter()
        .enumerate()
        .map(|(index, line)| {
            row(
                &(index + 1).to_string(),
                &line.field,
                &line.figures.unwrap_or_default(),
            )
        })
        .collect();
    rows.push(row("", "Tổng cộng", &report.total.unwrap_or_default()));
    let header = [
        "(1)",
        "(2) Lĩnh vực",
        "(3)",
        "(4)",
        "(5)",
        "(6)",
        "(7)",
        "(8)",
        "(9)",
        "(10)",
        "(11)",
        "(12)",
        "(13)",
    ];
    text.push_str(&table(&header, &rows, 2));
    for footnote in &report.footnotes {
        writeln!(text, "  * {footnote}").ok();
    }
    text
}

fn row(number: &str, field: &str, figures: &SettlementFigures) -> Vec<String> {
    let counts = [
        figures.received,
        figures.received_online,
        figures.received_direct,
        figures.carried_over,
        figures.resolved,
        figures.resolved_early,
        figures.resolved_on_time,
        figures.resolved_overdue,
        figures.in_progress,
        figures.in_progress_in_time,
        figures.in_progress_overdue,
    ];
    [number.to_owned(), field.to_owned()]
        .into_iter()
        .chain(counts.iter().map(ToString::to_string))
        .collect()
}

/// The control sheet of one dossier (Mẫu 06).
pub(crate) fn control_sheet(sheet: &ControlSheet, catalog: &Catalog) -> String {
    let code = sheet.name.strip_prefix("cases/").unwrap_or(&sheet.name);
    let title = catalog
        .procedure(&sheet.procedure)
        .map_or("", |procedure| &procedure.title);
    let mut text = String::new();
    writeln!(
        text,
        "  PHIẾU KIỂM SOÁT QUÁ TRÌNH GIẢI QUYẾT HỒ SƠ (Mẫu 06)"
    )
    .ok();
    writeln!(text, "  Mã hồ sơ: {code}").ok();
    writeln!(text, "  Thủ tục: {} {title}", sheet.procedure).ok();
    writeln!(
        text,
        "  Tiếp nhận: {}; hẹn trả: {}",
        moment(from_proto_opt(sheet.received_at.as_ref())),
        moment(from_proto_opt(sheet.due_at.as_ref()))
    )
    .ok();
    if sheet.due_at != sheet.first_due_at {
        writeln!(
            text,
            "  Hẹn trả lần đầu: {}",
            moment(from_proto_opt(sheet.first_due_at.as_ref()))
        )
        .ok();
    }
    writeln!(
        text,
        "  Thời gian giải quyết: {} trên {} phút làm việc theo quy định\n",
        sheet.used_minutes, sheet.allowed_minutes
    )
    .ok();
    let rows: Vec<Vec<String>> = sheet
        .lines
        .iter()
        .map(|line| control_line(line, catalog))
        .collect();
    let header = [
        "Đơn vị",
        "Nội dung",
        "Người thực hiện",
        "Giao lúc",
        "Nhận lúc",
        "Xong lúc",
        "Kết quả",
        "Ghi chú",
        "Phút định mức",
        "Phút sử dụng",
    ];
    text.push_str(&table(&header, &rows, 8));
    text
}

fn control_line(line: &ControlSheetLine, catalog: &Catalog) -> Vec<String> {
    let agency = catalog
        .agency(&line.agency)
        .map_or(line.agency.as_str(), |agency| &agency.title);
    let who = match (line.assignee.as_str(), line.on_behalf_of.as_str()) {
        ("", _) => role(line.role()).to_owned(),
        (assignee, "") => assignee.to_owned(),
        (assignee, absent) => format!("{assignee} thay {absent}"),
    };
    vec![
        agency.to_owned(),
        shortened(&line.title, TITLE_WIDTH),
        who,
        moment(from_proto_opt(line.handed_over_at.as_ref())),
        moment(from_proto_opt(line.received_at.as_ref())),
        moment(from_proto_opt(line.ended_at.as_ref())),
        punctuality(line.punctuality()).to_owned(),
        line.note.clone(),
        line.planned_minutes.to_string(),
        line.used_minutes.to_string(),
    ]
}

/// How long procedures took, those with the most dossiers first.
pub(crate) fn durations(response: &GetDurationsResponse, catalog: &Catalog, most: usize) -> String {
    let rows: Vec<Vec<String>> = response
        .procedures
        .iter()
        .take(most)
        .map(|duration| {
            let title = catalog
                .procedure(&duration.procedure)
                .map_or("", |procedure| &procedure.title);
            vec![
                duration.procedure.clone(),
                shortened(title, TITLE_WIDTH),
                duration.dossiers.to_string(),
                duration.p50_minutes.to_string(),
                duration.p90_minutes.to_string(),
                duration.p99_minutes.to_string(),
            ]
        })
        .collect();
    table(&["Mã", "Thủ tục", "Hồ sơ", "p50", "p90", "p99"], &rows, 2)
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Receptionist => "cán bộ một cửa",
        Role::Officer => "chuyên viên",
        Role::Leader => "lãnh đạo",
        Role::HomeVisitor => "cán bộ phục vụ tại nhà",
        _ => "",
    }
}

fn punctuality(punctuality: Punctuality) -> &'static str {
    match punctuality {
        Punctuality::Unspecified => "",
        Punctuality::Early => "Trước hạn",
        Punctuality::OnTime => "Đúng hạn",
        Punctuality::Overdue => "Quá hạn",
    }
}

fn moment(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| {
        local(at).strftime("%H:%M %d/%m/%Y").to_string()
    })
}

fn day(date: Option<&Date>) -> String {
    date.and_then(date_from_proto)
        .map_or_else(String::new, |date| date.strftime("%d/%m/%Y").to_string())
}

/// Cut at the width, with a mark where something is missing.
pub(crate) fn shortened(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use motcua_platform::time::to_proto;
    use motcua_proto::statistics::v1::SettlementLine;

    use super::*;

    fn catalog() -> Catalog {
        Catalog::parse(&crate::catalog::embedded().unwrap().catalog).unwrap()
    }

    fn figures() -> SettlementFigures {
        SettlementFigures {
            received: 12,
            received_online: 5,
            received_direct: 7,
            resolved: 11,
            resolved_early: 8,
            resolved_on_time: 2,
            resolved_overdue: 1,
            in_progress: 1,
            in_progress_in_time: 1,
            ..SettlementFigures::default()
        }
    }

    #[test]
    fn the_settlement_report_has_the_forms_columns_in_their_order() {
        let report = SettlementReport {
            from: Some(Date {
                year: 2025,
                month: 7,
                day: 1,
            }),
            to: Some(Date {
                year: 2025,
                month: 8,
                day: 25,
            }),
            total: Some(figures()),
            lines: vec![SettlementLine {
                field: "hộ tịch".into(),
                figures: Some(figures()),
            }],
            footnotes: vec!["Hồ sơ bị từ chối trước khi tiếp nhận không tính.".into()],
            ..SettlementReport::default()
        };
        let text = settlement(&report, "Phường An Phong");
        assert!(text.contains("từ 01/07/2025 đến 25/08/2025"), "{text}");
        let total = text
            .lines()
            .find(|line| line.contains("Tổng cộng"))
            .unwrap();
        let counts: Vec<&str> = total.split_whitespace().skip(2).collect();
        assert_eq!(
            counts,
            ["12", "5", "7", "0", "11", "8", "2", "1", "1", "1", "0"]
        );
        assert!(text.ends_with("  * Hồ sơ bị từ chối trước khi tiếp nhận không tính.\n"));
    }

    #[test]
    fn the_control_sheet_says_who_had_it_from_when_to_when() {
        let at = |text: &str| Some(to_proto(text.parse().unwrap()));
        let sheet = ControlSheet {
            name: "cases/H24.11593-250701-0007".into(),
            procedure: "2.002622".into(),
            received_at: at("2025-07-01T01:00:00Z"),
            first_due_at: at("2025-07-15T10:00:00Z"),
            due_at: at("2025-07-15T10:00:00Z"),
            lines: vec![ControlSheetLine {
                agency: "11593".into(),
                title: "Đăng ký khai tử".into(),
                role: Role::Officer.into(),
                assignee: "officer-11593-2".into(),
                handed_over_at: at("2025-07-01T01:00:00Z"),
                received_at: at("2025-07-01T01:15:00Z"),
                ended_at: at("2025-07-01T01:45:00Z"),
                planned_minutes: 120,
                used_minutes: 45,
                punctuality: Punctuality::Early.into(),
                note: "approved".into(),
                on_behalf_of: "officer-11593-3".into(),
                ..ControlSheetLine::default()
            }],
            used_minutes: 45,
            allowed_minutes: 4_800,
        };
        let text = control_sheet(&sheet, &catalog());
        assert!(text.contains("Mã hồ sơ: H24.11593-250701-0007"));
        assert!(
            text.contains("Tiếp nhận: 08:00 01/07/2025; hẹn trả: 17:00 15/07/2025"),
            "{text}"
        );
        assert!(!text.contains("lần đầu"), "nothing was extended");
        let line = text.lines().last().unwrap();
        for part in [
            "Phường An Phong",
            "officer-11593-2 thay officer-11593-3",
            "08:15 01/07/2025",
            "Trước hạn",
            "120",
        ] {
            assert!(line.contains(part), "{line}");
        }
    }

    #[test]
    fn columns_stand_under_each_other_with_diacritics_too() {
        let rows = [
            vec!["hộ tịch".to_owned(), "5".to_owned()],
            vec!["cư trú, nhà ở".to_owned(), "12".to_owned()],
        ];
        let text = table(&["Lĩnh vực", "n"], &rows, 1);
        let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{text}");
    }
}

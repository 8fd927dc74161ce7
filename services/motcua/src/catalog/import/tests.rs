//! What is made of a list, row by row.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::catalog::read;

const HEAD: &str = "code\tname\tfield\tlevel\tdecision\ttime_by_channel\n";

/// A catalog that lacks its procedures, and a list beside it.
struct Place {
    dir: TempDir,
    list: PathBuf,
}

impl Place {
    fn new(list: impl AsRef<[u8]>) -> Self {
        let dir = TempDir::new().unwrap();
        let catalog = dir.path().join("catalog");
        fs::create_dir_all(catalog.join("definitions")).unwrap();
        for (name, text) in [
            ("catalog.toml", include_str!("../tests/sound/catalog.toml")),
            ("calendar.csv", include_str!("../tests/sound/calendar.csv")),
            ("agencies.csv", include_str!("../tests/sound/agencies.csv")),
            (
                "definitions/civil-status-signed.toml",
                include_str!("../../../../../deploy/catalog/definitions/civil-status-signed.toml"),
            ),
        ] {
            fs::write(catalog.join(name), text).unwrap();
        }
        let file = dir.path().join("list.tsv");
        fs::write(&file, list).unwrap();
        Self { dir, list: file }
    }

    fn of(rows: &[&str]) -> Self {
        Self::new(format!("{HEAD}{}\n", rows.join("\n")))
    }

    fn catalog(&self) -> PathBuf {
        self.dir.path().join("catalog")
    }

    fn procedures(&self) -> String {
        fs::read_to_string(self.catalog().join(PROCEDURES)).unwrap()
    }

    fn imports(&self, force: bool) -> Result<Imported, Refused> {
        import(&Order {
            list: self.list.clone(),
            into: self.catalog(),
            force,
        })
    }

    /// What its report says of each row.
    fn outcomes(&self, imported: &Result<Imported, Refused>) -> Vec<String> {
        let report = self.dir.path().join("report.tsv");
        write_report(imported, &report).unwrap();
        let report = fs::read_to_string(report).unwrap();
        report
            .lines()
            .map(|line| line.split('\t').take(4).collect::<Vec<_>>().join(" "))
            .collect()
    }

    /// What is told of its only row: the row as written, what was guessed, why it was refused.
    fn told(row: &str) -> (String, Vec<String>, Option<String>) {
        let place = Self::of(&[row]);
        let imported = place.imports(false).unwrap();
        let [told] = imported.told.as_slice() else {
            panic!("{imported}")
        };
        let guessed = told
            .guessed
            .iter()
            .map(|guess| {
                format!("{} {}", guess.column, guess.value)
                    .trim()
                    .to_owned()
            })
            .collect();
        let written = if told.row.is_some() {
            place.procedures().lines().nth(2).unwrap().to_owned()
        } else {
            String::new()
        };
        (written, guessed, told.refused.clone())
    }
}

#[test]
fn what_the_list_says_is_taken_and_what_it_lacks_is_guessed() {
    let (written, guessed, refused) = Place::told(
        "1.012836\tHỗ trợ phối giống, chăn nuôi\tChăn nuôi\tCấp xã\t2303\tTrực tuyến=20 Ngày làm việc; Trực tiếp=20 Ngày làm việc",
    );
    assert_eq!(
        written,
        "1.012836,\"Hỗ trợ phối giống, chăn nuôi\",Chăn nuôi,20 working days,,0,0,,ward,imported,,,"
    );
    assert_eq!(
        guessed,
        [
            "competent ward",
            "fees 0 đồng, online 0",
            "definition imported"
        ]
    );
    assert_eq!(refused, None);
}

#[test]
fn of_a_procedure_that_comes_with_the_software_the_rest_is_known() {
    let (written, guessed, _) =
        Place::told("1.000689\tĐăng ký khai sinh\tHộ tịch\tCấp xã\t\tTrực tiếp=3");
    assert_eq!(
        written,
        "1.000689,Đăng ký khai sinh,Hộ tịch,3 working days,,0,0,,ward,civil-status-signed,,,"
    );
    assert_eq!(
        guessed,
        [
            "competent ward",
            "limit 3 working days",
            "fees 0 đồng, online 0",
            "definition civil-status-signed"
        ]
    );
}

#[test]
fn a_definition_that_is_not_there_or_does_not_fit_makes_room_for_the_plain_one() {
    // Known to be worked on by `certification-same-day`, which this catalog does not have.
    let (written, guessed, _) = Place::told(
        "2.000884\tChứng thực chữ ký\tChứng thực\tCấp xã\t\tTrực tiếp=Không có thông tin",
    );
    assert_eq!(
        written,
        "2.000884,Chứng thực chữ ký,Chứng thực,same day,15:00,10000,0,trường hợp,ward,imported,,1=10000/0,"
    );
    assert!(
        guessed.contains(&"limit same day".to_owned()),
        "{guessed:?}"
    );
    assert!(guessed.contains(&"definition imported".to_owned()));
    // Twelve hours of work do not fit one.
    let (written, ..) = Place::told("1.000689\tĐăng ký\tHộ tịch\tCấp xã\t\t1 giờ làm việc");
    assert!(
        written.contains(",1 working hour,,0,0,,ward,imported,"),
        "{written}"
    );
}

#[test]
fn the_field_says_whose_it_is() {
    let (written, ..) = Place::told(
        "1.004194\tĐăng ký tạm trú\tĐăng ký, quản lý cư trú\tCấp xã\t\t3 Ngày làm việc",
    );
    assert!(written.contains(",police,"), "{written}");
    let (written, ..) = Place::told("2.009999\tCấp thẻ\tCấp, quản lý căn cước\tCấp xã\t\t7 Ngày");
    assert!(written.contains(",police,imported,"), "{written}");
    for (row, refusal) in [
        (
            "1.000005\tThủ tục hải quan\tHải quan\tCấp xã\t\t1 Giờ",
            "field: 'hải quan' is decided by the customs, for whom a catalog has no kind of agency",
        ),
        (
            "1.001521\tTrợ cấp\tThực hiện chính sách BHXH\tCấp xã\t\t6 Ngày làm việc",
            "competent: there is no agency of the kind 'social_insurance' in this catalog",
        ),
    ] {
        let (_, _, refused) = Place::told(row);
        assert_eq!(refused.as_deref(), Some(refusal));
    }
}

#[test]
fn what_cannot_be_taken_is_refused_with_the_reason() {
    let long = format!(
        "1.000001\t{}\tHộ tịch\tCấp xã\t\t3 Ngày",
        "Đăng ký ".repeat(130)
    );
    for (row, refusal) in [
        (
            "1.656\tX\tY\tCấp xã\t\t3 Ngày",
            "code: '1.656' is no national code such as 1.000656",
        ),
        (
            "1.000001\tX\tY\tCấp tỉnh\t\t3 Ngày",
            "level: 'Cấp tỉnh' is not the wards'",
        ),
        (
            "1.000001\tX\tY\tCấp xã\t\t120,000",
            "time_by_channel: 120,000 has no unit, and is too much to be taken for working days",
        ),
        ("1.000001\tX\tY\tCấp xã\t\t", "time_by_channel: is empty"),
        ("1.000001\tX\tY\tCấp xã", "has 4 columns in place of 6"),
        ("1.000001\t\tY\tCấp xã\t\t3 Ngày", "title: is required"),
        ("1.000001\tX\t \tCấp xã\t\t3 Ngày", "field: is required"),
        (long.as_str(), "title: must have at most 1000 characters"),
        (
            "1.000001\t\"X\tY\tCấp xã\t\t3 Ngày\n1.000002\tX\tY\tCấp xã\t\t3 Ngày",
            "a double quote that is not closed swallows 2 lines from here on",
        ),
    ] {
        let (written, _, refused) = Place::told(row);
        assert_eq!(refused.as_deref(), Some(refusal), "{row}");
        assert_eq!(written, "");
    }
}

#[test]
fn what_is_put_right_is_told_too() {
    let (written, guessed, _) = Place::told(
        "1.010736\t\"Tham vấn  tác động\nmôi trường (1.010736)\"\tMôi trường\tCấp xã\t973\t15 Ngày\thttps://example.org",
    );
    assert!(
        written.starts_with("1.010736,Tham vấn tác động môi trường,Môi trường,15 calendar days,"),
        "{written}"
    );
    assert_eq!(
        guessed[..3],
        [
            "left out a cell beyond the last column: https://example.org",
            "name: line breaks joined",
            "left the code out of the name"
        ]
    );
}

#[test]
fn a_name_that_several_have_is_told() {
    let place = Place::of(&[
        "1.000001\tCông bố danh mục\tY\tCấp xã\t\t7 Ngày",
        "1.000002\tCông bố danh mục\tY\tCấp xã\t\t7 Ngày",
        "1.000003\tX\tY\tCấp xã\t\t7 Ngày",
    ]);
    let told = place.imports(false).unwrap().told;
    assert_eq!(told[0].guessed[0].value, "the name is that of lines 3 too");
    assert_eq!(told[2].guessed[0].column, "competent");
}

#[test]
fn a_name_that_is_too_long_is_replaced_where_another_is_known() {
    let long = "Đăng ký ".repeat(130);
    let (written, guessed, _) = Place::told(&format!(
        "1.000689\t{long}\tHộ tịch\tCấp xã\t\t3 Ngày làm việc"
    ));
    assert!(
        written.starts_with("1.000689,\"Đăng ký khai sinh kết hợp"),
        "{written}"
    );
    assert!(
        guessed[0].starts_with("title Đăng ký khai sinh"),
        "{guessed:?}"
    );
    // The national list's own are sentences, some of them of more than 300 characters.
    let sentence = "Đăng ký ".repeat(60);
    let (written, ..) = Place::told(&format!(
        "1.000001\t{sentence}\tHộ tịch\tCấp xã\t\t3 Ngày làm việc"
    ));
    assert!(
        written.starts_with(&format!("1.000001,{},", sentence.trim_end())),
        "{written}"
    );
}

#[test]
fn a_code_that_stands_twice_is_taken_once_and_lines_are_the_files_own() {
    let place = Place::of(&[
        "1.000001\t\"Hai\ndòng\"\tY\tCấp xã\t\t3 Ngày",
        "1.000001\tX\tY\tCấp xã\t\t5 Ngày",
    ]);
    let imported = place.imports(false).unwrap();
    let second = &imported.told[1];
    assert_eq!(
        (second.line, second.refused.as_deref()),
        (4, Some("code: stands in line 2 already"))
    );
    assert_eq!(place.procedures().lines().count(), 3);
}

#[test]
fn bytes_that_are_no_text_are_refused_with_their_column() {
    let mut list = format!("{HEAD}1.000001\tX").into_bytes();
    list.extend(b"\xea\tY\tx\xe3\t\t3\n");
    let place = Place::new(list);
    let imported = place.imports(false).unwrap();
    assert_eq!(
        imported.told[0].refused.as_deref(),
        Some("name: is not written in UTF-8")
    );
    assert!(imported.is_empty() && !place.catalog().join(PROCEDURES).exists());
}

#[test]
fn what_is_written_passes_the_check_and_nothing_is_dropped_silently() {
    let place = Place::of(&[
        "1.000001\tX\tY\tCấp xã\t\t3 Ngày",
        "1.000002\tX\tHải quan\tCấp xã\t\t3 Ngày",
        "1.000003\tX\tY\tCấp xã\t\t5",
    ]);
    let imported = place.imports(false).unwrap();
    let bundle = read(&place.catalog()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(bundle.catalog.procedures.len(), 2);
    let text = imported.to_string();
    for sum in [
        "rows of the list: 3\n",
        "written: 2, 1 of them with the limit as the list has it, 1 with a limit that is guessed\n",
        "refused: 1\n",
        "definitions/imported.toml: put there",
    ] {
        assert!(text.contains(sum), "{text}");
    }
    assert_eq!(
        place.outcomes(&Ok(imported)),
        [
            "line code name outcome",
            "2 1.000001 X taken",
            "3 1.000002 X refused",
            "4 1.000003 X limit guessed"
        ]
    );
}

#[test]
fn what_is_there_is_replaced_only_when_told_to() {
    let place = Place::of(&["1.000001\tX\tY\tCấp xã\t\t3 Ngày"]);
    place.imports(false).unwrap();
    let before = place.procedures();
    let refused = place.imports(false).unwrap_err().to_string();
    assert!(
        refused.ends_with("procedures.csv: is there already; --force replaces it"),
        "{refused}"
    );
    fs::write(place.catalog().join(PROCEDURES), "mine").unwrap();
    place.imports(true).unwrap();
    assert_eq!(place.procedures(), before);
}

#[test]
fn a_catalog_with_other_faults_is_told_of_and_nothing_is_written() {
    let place = Place::of(&["1.000001\tX\tY\tCấp xã\t\t3 Ngày"]);
    fs::write(
        place.catalog().join("definitions/linked.toml"),
        include_str!("../tests/sound/definitions/linked.toml"),
    )
    .unwrap();
    let refused = place.imports(false);
    assert_eq!(
        place.outcomes(&refused),
        ["line code name outcome", "2 1.000001 X not written"]
    );
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains(
            "definitions/linked.toml:19: call: there is no procedure '1.003197' in this catalog"
        ),
        "{refused}"
    );
    assert!(!place.catalog().join(PROCEDURES).exists());
    assert!(!place.catalog().join(IMPORTED_FILE).exists());
}

#[test]
fn a_file_that_is_no_list_is_refused_with_its_first_line() {
    let place = Place::new("code,name,field,time_by_channel\n");
    let refused = place.imports(false).unwrap_err().to_string();
    assert!(
        refused
            .contains("list.tsv:1: code: is missing among the columns; a list is divided by tabs"),
        "{refused}"
    );
}

#[test]
fn papers_of_procedures_that_the_list_does_not_have_are_left_out_and_told_of() {
    let place = Place::of(&[
        "1.000689\tĐăng ký khai sinh\tHộ tịch\tCấp xã\t\t3 Ngày làm việc",
        "1.000002\tX\tHải quan\tCấp xã\t\t3 Ngày",
    ]);
    let papers = place.catalog().join(PAPERS);
    let kept = "# Giấy tờ, theo thủ tục\nprocedure,id,title,option,originals,copies\n1.000689,to-khai,\"Tờ khai, theo mẫu\",,1,\n";
    fs::write(
        &papers,
        format!(
            "{kept}1.000689,the,Thẻ,the-bao-hiem,1,\n1.000002,to-khai,Tờ khai hải quan,,1,\n# hết\n9.999999,don,Đơn,,1,\n"
        ),
    )
    .unwrap();
    let imported = place.imports(false);
    assert_eq!(
        place.outcomes(&imported),
        [
            "line code name outcome",
            "2 1.000689 Đăng ký khai sinh taken",
            "3 1.000002 X refused",
            "4 1.000689 Thẻ paper left out",
            "5 1.000002 Tờ khai hải quan paper left out",
            "7 9.999999 Đơn paper left out",
        ]
    );
    let text = imported.unwrap().to_string();
    assert!(text.contains("papers.csv: 3 papers left out"), "{text}");
    assert_eq!(
        fs::read_to_string(&papers).unwrap(),
        format!("{kept}# hết\n")
    );
    let bundle = read(&place.catalog()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(bundle.catalog.procedures[0].papers.len(), 1);
    // Where all of them are wanted, the table stays as it is, byte for byte.
    let before = "procedure,id,title,originals,copies\r\n1.000689,to-khai,Tờ khai,1,\r\n";
    fs::write(&papers, before).unwrap();
    place.imports(true).unwrap();
    assert_eq!(fs::read_to_string(&papers).unwrap(), before);
}

#[test]
fn a_copy_of_the_catalog_that_comes_with_the_software_takes_a_shorter_list_as_its_readme_says() {
    let place = Place::of(&[
        "2.000815\tChứng thực bản sao\tChứng thực\tCấp xã\t\ttrong ngày",
        "1.000001\tX\tY\tCấp xã\t\t3 Ngày",
    ]);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog");
    for file in ["catalog.toml", "calendar.csv", "agencies.csv", "papers.csv"] {
        fs::copy(shipped.join(file), place.catalog().join(file)).unwrap();
    }
    for file in fs::read_dir(shipped.join(DEFINITIONS)).unwrap() {
        let file = file.unwrap();
        if !file.file_name().to_string_lossy().starts_with("linked-") {
            let there = place.catalog().join(DEFINITIONS).join(file.file_name());
            fs::copy(file.path(), there).unwrap();
        }
    }
    let imported = place.imports(false).unwrap_or_else(|why| panic!("{why}"));
    assert!(!imported.left_out.is_empty());
    let bundle = read(&place.catalog()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(bundle.catalog.procedures.len(), 2);
    assert_eq!(
        bundle.catalog.procedures[0].papers.len(),
        2,
        "those of the procedure that stayed"
    );
}

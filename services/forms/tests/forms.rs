//! Every form as a reader of the PDF finds it, compared with what a person has read and found right.
//!
//! `MOTCUA_GOLDEN=write cargo test -p motcua-forms --test forms` writes what is found; read it before you keep it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/papers.rs"]
mod papers;
#[path = "common/pdf.rs"]
mod pdf;

use motcua_forms::{Error, Form, FormId, Kind, Rendered, Sheet, bundle, data, render};
use proptest::prelude::*;
use std::{fs, path::PathBuf};

fn draw(kind: Kind, sheet: Sheet, form: &Form) -> Rendered {
    render(FormId::latest(kind), sheet, form).unwrap()
}

#[test]
fn every_form_reads_as_it_should() {
    let writes = std::env::var_os("MOTCUA_GOLDEN").is_some();
    for (kind, form) in papers::forms() {
        // An older paper prints again as it was.
        for version in 1..=FormId::latest(kind).version {
            let id = FormId {
                form: kind,
                version,
            };
            for (sheet, after) in [(Sheet::A4, ""), (Sheet::A5, "-a5")] {
                let Ok(drawn) = render(id, sheet, &form) else {
                    // Not every form is for the small sheet: see below.
                    assert_eq!(sheet, Sheet::A5, "{id}");
                    continue;
                };
                let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                    .join(format!("tests/golden/{id}{after}.txt"));
                let found = pdf::lines(&pdf::read(&drawn.pdf));
                if writes {
                    fs::write(&file, &found).unwrap();
                }
                let kept = fs::read_to_string(&file).unwrap();
                assert_eq!(found, kept, "{}", file.display());
            }
        }
    }
}

#[test]
fn what_was_filled_in_and_kept_draws_the_same_paper() {
    for (kind, form) in papers::forms() {
        let id: FormId = FormId::latest(kind).to_string().parse().unwrap();
        assert_eq!(id, FormId::latest(kind));
        let kept = serde_json::to_vec(&form).unwrap();
        let read = Form::read(kind, &kept).unwrap();
        let (before, after) = (draw(kind, Sheet::A4, &form), draw(kind, Sheet::A4, &read));
        assert_eq!(before.html, after.html, "{id}");
        assert_eq!(before.text, after.text, "{id}");
        assert!(Form::read(kind, b"{}").is_err(), "{id}");
    }
    for unknown in ["", "mau01", "mau01-", "mau01-x", "mau99-1", "-1"] {
        assert!(unknown.parse::<FormId>().is_err(), "{unknown}");
    }
}

/// What reads out of each drawing, without blanks, and without what only the PDF's pages have.
fn wording(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_whitespace() && *character != '|')
        .collect()
}

fn html_wording(html: &str) -> String {
    let body = html.split_once("<main>").unwrap().1;
    let mut text = String::new();
    for part in body.split('<') {
        let (tag, after) = part.split_once('>').unwrap_or(("", part));
        // The code says its link to those who cannot see it.
        if let Some((_, label)) = tag.split_once("aria-label=\"") {
            text.push_str(label.split('"').next().unwrap());
        }
        text.push_str(after);
    }
    wording(
        &text
            .replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&quot;", "\"")
            .replace("&#39;", "'")
            .replace("&amp;", "&"),
    )
}

#[test]
fn the_three_drawings_say_the_same() {
    for (kind, form) in papers::forms() {
        let drawn = draw(kind, Sheet::A4, &form);
        assert_eq!(html_wording(&drawn.html), wording(&drawn.text), "{kind:?}");
        let read = pdf::read(&drawn.pdf);
        let letters = |text: String| {
            let mut letters: Vec<char> = text.chars().collect();
            letters.sort_unstable();
            letters
        };
        if read.pages == 1 {
            let link = "https://motcua.example/tra-cuu/H24.242-260313-0007";
            let shown: String = read.shown.iter().map(|shown| shown.text.as_str()).collect();
            assert_eq!(
                letters(wording(&(shown + link))),
                letters(wording(&drawn.text)),
                "{kind:?}"
            );
        }
        assert!(drawn.missing.is_empty());
    }
}

#[test]
fn the_same_data_gives_the_same_bytes() {
    for (kind, form) in papers::forms() {
        assert!(
            draw(kind, Sheet::A4, &form) == draw(kind, Sheet::A4, &form),
            "{kind:?}"
        );
    }
}

#[test]
fn composed_and_decomposed_letters_are_one() {
    let mut receipt = papers::receipt();
    let composed = draw(Kind::Mau01, Sheet::A5, &Form::Receipt(receipt.clone()));
    receipt.applicant.name = "Đoàn Thị Ngọc Quye\u{302}\u{303}n".into();
    receipt.applicant.address =
        "Tổ 5, đu\u{31b}o\u{31b}\u{300}ng Lê Văn Thu\u{309}\u{31b}, phường Sông Trăng, thành phố Bê\u{301}n Mây".into();
    let decomposed = draw(Kind::Mau01, Sheet::A5, &Form::Receipt(receipt));
    assert!(composed == decomposed);
    assert!(composed.text.contains("đường Lê Văn Thử"));
}

#[test]
fn what_a_user_wrote_is_only_text() {
    let hostile = "<script>alert(1)</script> {{ reference.code }} {% raw %} \"><b>' &lt;i&gt; </p><qr link=\"x\"/>\u{0}\u{8}\u{202e}\u{feff}";
    let shown = "<script>alert(1)</script> {{ reference.code }} {% raw %} \"><b>' &lt;i&gt; </p><qr link=\"x\"/>";
    let mut receipt = papers::receipt();
    receipt.applicant.name = hostile.into();
    receipt.procedure.name = hostile.into();
    receipt.papers[0].name = hostile.into();
    receipt.reference.code = hostile.into();
    receipt.reference.link = Some(format!("https://motcua.example/{hostile}"));
    receipt.office.agency = hostile.into();
    let drawn = draw(Kind::Mau01, Sheet::A4, &Form::Receipt(receipt));
    assert!(
        drawn
            .text
            .contains(&format!("Tiếp nhận hồ sơ của: {shown}"))
    );
    assert!(!drawn.html.to_lowercase().contains("<script"));
    assert!(!drawn.html.contains("<qr"));
    assert!(
        !drawn
            .html
            .chars()
            .any(|character| matches!(character, '\u{0}' | '\u{8}' | '\u{202e}' | '\u{feff}'))
    );
    assert_eq!(html_wording(&drawn.html), wording(&drawn.text));
    // Nothing of it ends the style sheet or a string in it.
    let style = drawn
        .html
        .split_once("<style>")
        .unwrap()
        .1
        .split_once("</style>")
        .unwrap()
        .0;
    assert!(!style.contains(['<', '\'']) && style.matches('"').count().is_multiple_of(2));
}

#[test]
fn a_line_break_holds_where_there_is_room_for_lines() {
    let drawn = draw(Kind::Mau03, Sheet::A4, &Form::Refusal(papers::refusal()));
    assert!(drawn.text.contains("năm 2026.\nMột người"));
    let mut receipt = papers::receipt();
    receipt.applicant.name = "Đoàn\r\nThị".into();
    assert!(
        draw(Kind::Mau01, Sheet::A4, &Form::Receipt(receipt))
            .text
            .contains("Đoàn Thị")
    );
}

#[test]
fn a_letter_that_the_fonts_lack_is_a_box_and_is_told() {
    let mut receipt = papers::receipt();
    receipt.applicant.name = "Lý 漢字 😀".into();
    let drawn = draw(Kind::Mau01, Sheet::A4, &Form::Receipt(receipt));
    assert_eq!(drawn.missing, ['字', '漢', '😀']);
    assert!(drawn.html.contains("Lý 漢字 😀"));
    let read = pdf::read(&drawn.pdf);
    assert!(
        read.shown
            .iter()
            .any(|shown| shown.text.contains("Lý □□ □"))
    );
}

/// What is handed out at the counter may be on a small sheet.
fn is_small_too(kind: Kind) -> bool {
    let larger = [Kind::Mau04, Kind::Mau05, Kind::Mau06, Kind::Mau07];
    !larger.contains(&kind)
}

#[test]
fn what_is_handed_out_at_the_counter_fits_on_one_sheet_of_either_size() {
    for (kind, form) in papers::forms() {
        let id = FormId::latest(kind);
        if is_small_too(kind) {
            for sheet in [Sheet::A4, Sheet::A5] {
                assert_eq!(
                    pdf::read(&draw(kind, sheet, &form).pdf).pages,
                    1,
                    "{kind:?} {sheet:?}"
                );
            }
        } else {
            assert!(matches!(
                render(id, Sheet::A5, &form),
                Err(Error::Sheet { .. })
            ));
        }
    }
}

#[test]
fn papers_printed_at_once_are_the_papers_one_by_one() {
    let forms = papers::forms();
    let sheet = |kind| {
        if kind == Kind::Mau01 {
            Sheet::A5
        } else {
            Sheet::A4
        }
    };
    let papers: Vec<_> = forms
        .iter()
        .map(|(kind, form)| (FormId::latest(*kind), sheet(*kind), form))
        .collect();
    let alone: Vec<String> = forms
        .iter()
        .map(|(kind, form)| pdf::lines(&pdf::read(&draw(*kind, sheet(*kind), form).pdf)))
        .collect();
    let file = bundle(&papers).unwrap();
    assert_eq!(pdf::lines(&pdf::read(&file)), alone.join("---\n"));
    assert!(file == bundle(&papers).unwrap());
    assert!(matches!(bundle(&[]), Err(Error::Empty)));
}

#[test]
fn a_register_of_a_year_is_drawn() {
    for (kind, form) in papers::forms() {
        let Form::Register(mut register) = form else {
            continue;
        };
        register.lines = register.lines.iter().cycle().take(3_000).cloned().collect();
        let read = pdf::read(&draw(kind, Sheet::A4, &Form::Register(register)).pdf);
        assert!(read.pages > 400);
        assert_eq!(
            read.shown
                .iter()
                .filter(|shown| shown.text == "STT")
                .count(),
            read.pages
        );
    }
}

#[test]
fn what_cannot_be_drawn_is_refused() {
    let receipt = papers::receipt();
    let form = Form::Receipt(receipt.clone());
    let id = FormId::latest(Kind::Mau02);
    assert!(matches!(render(id, Sheet::A4, &form), Err(Error::Data(wrong)) if wrong == id));
    for version in [0, FormId::latest(Kind::Mau01).version + 1, u16::MAX] {
        let id = FormId {
            form: Kind::Mau01,
            version,
        };
        assert!(matches!(render(id, Sheet::A4, &form), Err(Error::Version(wrong)) if wrong == id));
    }
    let link = Some(format!("https://motcua.example/{}", "x".repeat(3_000)));
    let long = Form::Receipt(data::Receipt {
        reference: data::Reference {
            link,
            ..receipt.reference
        },
        ..receipt
    });
    assert!(matches!(
        render(FormId::latest(Kind::Mau01), Sheet::A4, &long),
        Err(Error::Link(_))
    ));
}

#[test]
fn who_acts_by_law_is_no_authorised_person() {
    for (ground, by_law, title) in [
        ("Cha, mẹ hoặc người giám hộ", true, "Người đại diện"),
        ("Quyết định giám hộ số 5/QĐ-UBND", true, "Người đại diện"),
        ("Văn bản ủy quyền", false, "Người được ủy quyền"),
        ("Người thân thích", false, "Người được ủy quyền"),
    ] {
        let mut receipt = papers::receipt();
        receipt.applicant.authorised = Some(data::Authorised {
            name: "Lê Văn Bửu".into(),
            ground: ground.into(),
            by_law,
        });
        let text = draw(Kind::Mau01, Sheet::A4, &Form::Receipt(receipt)).text;
        let line = format!("\n{title}: Lê Văn Bửu ({ground})\n");
        assert!(text.contains(&line), "{text}");
    }
}

#[test]
fn the_reason_of_an_apology_ends_with_one_full_stop() {
    for (kind, form) in papers::forms() {
        let Form::Apology(mut apology) = form else {
            continue;
        };
        let with = draw(kind, Sheet::A4, &Form::Apology(apology.clone())).text;
        assert!(with.contains("Giấy chứng nhận kết hôn.\n"), "{with}");
        apology.reason = apology.reason.trim_end_matches('.').to_owned();
        assert_eq!(draw(kind, Sheet::A4, &Form::Apology(apology)).text, with);
    }
}

#[test]
fn what_is_not_known_leaves_room_for_a_pen() {
    let mut receipt = papers::receipt();
    receipt.reference = data::Reference {
        number: None,
        link: None,
        trace: None,
        ..receipt.reference
    };
    receipt.applicant = data::Applicant {
        phone: None,
        email: None,
        ..receipt.applicant
    };
    (
        receipt.limit,
        receipt.fee,
        receipt.register,
        receipt.receiver,
    ) = (None, None, None, None);
    receipt.papers.clear();
    let drawn = draw(Kind::Mau01, Sheet::A4, &Form::Receipt(receipt));
    assert!(drawn.text.contains("Số: ....") && drawn.text.contains("Số điện thoại: ...."));
    assert!(!drawn.html.contains("<svg"));
    for (_, form) in papers::forms() {
        if let Form::Register(mut register) = form {
            register.lines.clear();
            assert_eq!(
                pdf::read(&draw(Kind::Mau07, Sheet::A4, &Form::Register(register)).pdf).pages,
                1
            );
        }
    }
}

/// Width and height of a page, and its margins left, right, above and below.
type Page = [f32; 6];

const PORTRAIT: Page = [595.3, 841.9, 85.0, 42.5, 56.6, 56.6];
const LANDSCAPE: Page = [841.9, 595.3, 42.5, 42.5, 56.6, 42.5];
const SMALL: Page = [419.5, 595.3, 34.0, 22.7, 25.5, 31.2];

fn page_of(kind: Kind) -> Page {
    if kind == Kind::Mau07 {
        LANDSCAPE
    } else {
        PORTRAIT
    }
}

/// Nothing but the page number stands in the margins, and nothing on anything else.
fn stays_within_the_margins_and_apart(read: &pdf::Read, page: Page) {
    let [width, height, left, right, top, bottom] = page;
    for shown in &read.shown {
        assert!(
            shown.x >= left - 0.1 && shown.x + shown.width <= width - right + 0.1,
            "beside the margins: {shown:?}"
        );
        let foot = shown.text.contains("Trang ");
        assert!(
            shown.y + 0.9 * shown.size <= height - top + 0.1,
            "above the margin: {shown:?}"
        );
        assert!(
            foot || shown.y - 0.22 * shown.size >= bottom - 0.1,
            "below the margin: {shown:?}"
        );
    }
    for page in 0..read.pages {
        let shown: Vec<_> = read
            .shown
            .iter()
            .filter(|shown| shown.page == page)
            .collect();
        for (at, one) in shown.iter().enumerate() {
            for other in &shown[at + 1..] {
                let beside =
                    one.x + one.width <= other.x + 0.5 || other.x + other.width <= one.x + 0.5;
                let apart = (one.y - other.y).abs() >= 0.95 * one.size.min(other.size);
                assert!(beside || apart, "{one:?} lies on {other:?}");
            }
        }
    }
}

#[test]
fn the_longest_values_stay_within_the_margins_and_apart() {
    for (name, kind, form) in papers::longest() {
        let read = pdf::read(&draw(kind, Sheet::A4, &form).pdf);
        assert!(read.pages > 2, "{name}");
        stays_within_the_margins_and_apart(&read, page_of(kind));
        for page in 0..read.pages {
            let number = format!("Trang {}/{}", page + 1, read.pages);
            assert!(
                read.shown
                    .iter()
                    .any(|shown| shown.page == page && shown.text.ends_with(&number)),
                "{name}"
            );
        }
        // The head is repeated wherever the table goes on.
        assert!(
            read.shown
                .iter()
                .filter(|shown| shown.text == "STT")
                .count()
                > 2,
            "{name}"
        );
    }
}

/// Whatever a form has of words, each of them as long as `text`; dates, codes of kinds and numbers stay.
fn with_every_text(kind: Kind, form: &Form, text: &str) -> Form {
    fn fill(value: &mut serde_json::Value, text: &str) {
        match value {
            serde_json::Value::String(words) => {
                let is_code = words.is_ascii() && !words.contains(' ') && !words.contains('@');
                if !is_code {
                    text.clone_into(words);
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(|it| fill(it, text)),
            serde_json::Value::Object(fields) => fields.values_mut().for_each(|it| fill(it, text)),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(form).unwrap();
    fill(&mut value, text);
    Form::read(kind, value.to_string().as_bytes()).unwrap()
}

#[test]
fn every_form_keeps_its_layout_whatever_is_long_on_it() {
    let sentence = "Nguyễn Phúc Hoàng Thái Đoàn Trương Quỳnh Hương Giang, căn hộ số 1205, tòa nhà Hướng Dương. ";
    let word = "Đ".repeat(200);
    for text in [sentence.repeat(4).trim(), word.as_str()] {
        for (kind, form) in papers::forms() {
            let long = with_every_text(kind, &form, text);
            let usual = pdf::read(&draw(kind, Sheet::A4, &form).pdf);
            let read = pdf::read(&draw(kind, Sheet::A4, &long).pdf);
            assert!(read.pages > usual.pages, "{}", kind.name());
            stays_within_the_margins_and_apart(&read, page_of(kind));
            if is_small_too(kind) {
                let small = pdf::read(&draw(kind, Sheet::A5, &long).pdf);
                stays_within_the_margins_and_apart(&small, SMALL);
            }
        }
    }
}

/// Words of Vietnamese and foreign letters, some far too long, with breaks, blanks and signs between them.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[A-ZĐÂÊÔƯẾỘa-zăâđêôơưếộữỹ]{1,9}",
        1 => "[mWĐ]{60,220}",
        1 => "[<>&\"'{}%|\\\\()/.,;:-]{1,6}",
        1 => "\\PC{0,8}",
    ];
    proptest::collection::vec(
        (
            word,
            prop_oneof![9 => Just(" "), 1 => Just("\n"), 1 => Just("  ")],
        ),
        0..90,
    )
    .prop_map(|words| {
        words
            .into_iter()
            .map(|(word, blank)| word + blank)
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_text_breaks_the_layout(
        texts in proptest::collection::vec(text(), 6),
        rows in proptest::collection::vec((text(), proptest::option::of(text())), 0..12),
    ) {
        let [name, address, procedure, reason, ground, agency] = texts.try_into().unwrap();
        let mut form = papers::supplement();
        (form.applicant.name, form.applicant.address) = (name.clone(), address);
        (form.procedure.name, form.reason, form.ground) = (procedure, reason, ground);
        (form.office.agency, form.made_by) = (agency, Some(name.clone()));
        form.items = rows.iter().map(|(what, how)| data::Missing { what: what.clone(), how: how.clone() }).collect();
        let drawn = draw(Kind::Mau02, Sheet::A4, &Form::Supplement(form));
        stays_within_the_margins_and_apart(&pdf::read(&drawn.pdf), PORTRAIT);
        prop_assert_eq!(html_wording(&drawn.html), wording(&drawn.text));

        for (kind, form) in papers::forms() {
            let Form::ControlSheet(mut sheet) = form else { continue };
            let more = rows.iter().map(|(unit, note)| data::Handover {
                unit: unit.clone(), note: note.clone(), ..sheet.handovers[1].clone()
            });
            sheet.handovers.extend(more.collect::<Vec<_>>());
            sheet.responsible.clone_from(&name);
            let drawn = draw(kind, Sheet::A4, &Form::ControlSheet(sheet));
            stays_within_the_margins_and_apart(&pdf::read(&drawn.pdf), PORTRAIT);
        }
    }
}

//! What is read from a register, and what is said of one that is broken.

use super::*;
use crate::demo::{
    draw::Seed,
    invented::Invented,
    plan::{Order, plan, tests::catalog},
};

const FILE: &str = "register.csv";
const HEADER: &str =
    "submitted_at,procedure,receiving_agency,applicant_name,channel,hand_over,options,priority\n";

fn read_text(rows: &str) -> (Vec<Arrival>, Vec<String>) {
    let (arrivals, rejected) =
        read(FILE, format!("{HEADER}{rows}").as_bytes(), &catalog()).unwrap();
    (arrivals, rejected.iter().map(ToString::to_string).collect())
}

#[test]
fn good_rows_are_replayed_in_the_order_of_time() {
    let (arrivals, rejected) = read_text(
        "2025-07-02 09:00,2.000815,11593,Nguyễn Văn An,portal,online,,\n\
         2025-07-01T08:15:00+07:00,2.002622,11593,\"Trần Thị Bình\",,home,funeral_costs,elderly\n",
    );
    assert_eq!(rejected, [""; 0]);
    assert_eq!(
        arrivals
            .iter()
            .map(|arrival| arrival.line)
            .collect::<Vec<_>>(),
        [Some(3), Some(2)]
    );
    assert_eq!(arrivals[0].options, ["funeral_costs"]);
    assert_eq!(arrivals[0].hand_over, HandOverMethod::Home);
    assert_eq!(arrivals[1].at.to_string(), "2025-07-02T02:00:00Z");
}

#[test]
fn whatever_is_written_is_read_as_the_same() {
    let catalog = catalog();
    let mut arrivals = invented();
    // Who is refused, and who takes it back, is no received dossier.
    let come = arrivals.len();
    let mut file = Vec::new();
    write(&mut file, &arrivals).unwrap();
    let (read, rejected) = read(FILE, file.as_slice(), &catalog).unwrap();
    assert_eq!(rejected, []);
    arrivals.retain(Arrival::is_received);
    assert!(arrivals.len() < come);
    for (arrival, line) in arrivals.iter_mut().zip(2..) {
        // The file has no column for these.
        arrival.papers = Papers::Complete;
        arrival.pays_later = false;
        arrival.line = Some(line);
    }
    assert_eq!(read, arrivals);
    for Arrival { applicant, .. } in &read {
        let told = [
            &applicant.identity_number,
            &applicant.phone,
            &applicant.email,
            &applicant.address,
        ];
        assert!(told.iter().all(|told| !told.is_empty()));
    }
}

fn invented() -> Vec<Arrival> {
    plan(&Order {
        invented: &Invented::load(None).unwrap(),
        catalog: &catalog(),
        wards: &["11593".to_owned()],
        dossiers_per_ward: 400,
        seed: Seed(3),
    })
    .unwrap()
}

#[test]
fn every_fault_is_named_with_line_and_column_and_the_other_rows_stay() {
    let (arrivals, rejected) = read_text(
        "2025-13-01 09:00,9.999999,11593,,counter,drone,,\n\
         2025-07-01 09:00,2.000815,11593,Lê Minh Hà,,,,\n\
         2025-07-01 09:00,2.000815\n\
         2025-07-01 09:00,2.000815,99999,Lê Minh Hà,,,funeral_costs,rich\n",
    );
    assert_eq!(arrivals.len(), 1);
    assert_eq!(
        rejected,
        [
            "line 2, column submitted_at: 2025-13-01 09:00 is no time; write 2025-07-01 08:15",
            "line 2, column applicant_name: is required",
            "line 2, column hand_over: drone is none of counter, post, home, online",
            "line 2, column procedure: 9.999999 is no procedure of the catalog",
            "line 4: has 2 columns, the header has 8",
            "line 5, column priority: rich is none of merit, disability, elderly, pregnant, poor",
            "line 5, column receiving_agency: 99999 is no agency of the catalog that receives",
            "line 5, column options: procedure 2.000815 has no option funeral_costs",
        ]
    );
}

#[test]
fn rows_are_counted_once_however_many_faults_they_have() {
    let (_, rejected) = read(
        FILE,
        format!("{HEADER},,,,,,,\n,,,,,,,\n").as_bytes(),
        &catalog(),
    )
    .unwrap();
    assert_eq!(rows(&rejected), 2);
}

#[test]
fn a_line_break_within_a_name_does_not_shift_the_lines() {
    let (_, rejected) =
        read_text("\"2025-07-01\n09:00\",2.000815,11593,An,,,,\nx,2.000815,11593,An,,,,\n");
    assert!(
        rejected[1].starts_with("line 4, column submitted_at"),
        "{rejected:?}"
    );
}

#[test]
fn bytes_that_are_no_text_are_named() {
    let mut file = HEADER.as_bytes().to_vec();
    file.extend_from_slice(b"2025-07-01 09:00,2.000815,11593,\xff,,,,\n");
    let (arrivals, rejected) = read(FILE, file.as_slice(), &catalog()).unwrap();
    assert!(arrivals.is_empty());
    assert_eq!(
        rejected[0].to_string(),
        "line 2, column applicant_name: is not UTF-8"
    );
}

#[test]
fn a_file_that_is_no_register_is_refused_as_a_whole() {
    let failed = read(FILE, "procedure,colour\n".as_bytes(), &catalog())
        .unwrap_err()
        .to_string();
    for part in [
        "colour is unknown",
        "submitted_at is missing",
        "applicant_name is missing",
    ] {
        assert!(failed.contains(part), "{failed}");
    }
}

/// Three invented people.
const SOUND: &str = "\
submitted_at,procedure,receiving_agency,applicant_name,channel,hand_over,identity_number,address,options,priority,on_behalf_of
2025-07-01 08:15,1.001193,11593,Nguyễn Văn An,counter,counter,031000000001,\"12 đường Số Một, An Phong\",,,11602
2025-07-01 09:00,2.002622,11593,Trần Thị Bình,post,home,,,funeral_costs,elderly,
2025-07-02 09:00,2.000815,11593,Lê Minh Hà,portal,online,,,,,
";

/// Everything that is said of a register, a line each.
fn said(file: &[u8]) -> Vec<String> {
    match read(FILE, file, &catalog()) {
        Ok((_, rejected)) => rejected
            .iter()
            .map(|rejected| rejected.in_file(FILE))
            .collect(),
        Err(failed) => failed.to_string().lines().map(str::to_owned).collect(),
    }
}

#[test]
fn the_sound_register_is_sound() {
    assert_eq!(said(SOUND.as_bytes()), [""; 0]);
}

/// A register in which one text was replaced by another: each is told of once, with its file and line.
#[test]
fn each_fault_is_told_once() {
    const HEAD: &str = "submitted_at,procedure,receiving_agency,applicant_name,channel,hand_over,identity_number,address,options,priority,on_behalf_of\n";
    const COLUMNS: &str = "the columns are submitted_at, procedure, receiving_agency, applicant_name, channel, hand_over, \
                           identity_number, phone, email, address, options, priority, on_behalf_of";
    let cases = [
        (
            "a column that nobody knows",
            ",on_behalf_of\n",
            ",colour\n",
            format!("1: colour is unknown; {COLUMNS}"),
        ),
        (
            "a column that is written otherwise",
            "applicant_name",
            "applicant name",
            format!("1: applicant name is unknown, applicant_name is missing; {COLUMNS}"),
        ),
        (
            "a column that stands twice",
            "channel,hand_over",
            "channel,channel",
            format!("1: channel stands twice; {COLUMNS}"),
        ),
        (
            "a time that does not exist",
            "2025-07-01 08:15",
            "2025-02-30 08:15",
            "2: submitted_at: 2025-02-30 08:15 is no time; write 2025-07-01 08:15".to_owned(),
        ),
        (
            "a time as people write it",
            "2025-07-01 08:15",
            "01/07/2025 08:15",
            "2: submitted_at: 01/07/2025 08:15 is no time; write 2025-07-01 08:15".to_owned(),
        ),
        (
            "a year of another century",
            "2025-07-01 08:15",
            "0025-07-01 08:15",
            "2: submitted_at: 0025-07-01 08:15 lies outside of the years 2000 to 2099".to_owned(),
        ),
        (
            "no time",
            "2025-07-02 09:00",
            "",
            "4: submitted_at: is required".to_owned(),
        ),
        (
            "no procedure",
            "2.000815",
            "",
            "4: procedure: is required".to_owned(),
        ),
        (
            "a procedure that is not there",
            "1.001193",
            "1.001194",
            "2: procedure: 1.001194 is no procedure of the catalog".to_owned(),
        ),
        (
            "no agency",
            "1.001193,11593",
            "1.001193,",
            "2: receiving_agency: is required".to_owned(),
        ),
        (
            "an agency that is not there",
            "1.001193,11593",
            "1.001193,11594-x",
            "2: receiving_agency: 11594-x is no agency of the catalog that receives".to_owned(),
        ),
        (
            "an agency that does not receive",
            "1.001193,11593",
            "1.001193,11593-ca",
            "2: receiving_agency: 11593-ca is no agency of the catalog that receives".to_owned(),
        ),
        (
            "nobody's name",
            "Lê Minh Hà",
            "",
            "4: applicant_name: is required".to_owned(),
        ),
        (
            "a channel that nobody knows",
            "portal",
            "fax",
            "4: channel: fax is none of counter, post, portal, vneid, home".to_owned(),
        ),
        (
            "a hand-over that nobody knows",
            "post,home",
            "post,drone",
            "3: hand_over: drone is none of counter, post, home, online".to_owned(),
        ),
        (
            "an option that the procedure does not have",
            "funeral_costs",
            "pension",
            "3: options: procedure 2.002622 has no option pension".to_owned(),
        ),
        (
            "a procedure that is still to come",
            "09:00,2.002622",
            "09:00,2.002913",
            "3: procedure: '2.002913' begins on 2026-09-01: until then there is '2.002622'"
                .to_owned(),
        ),
        (
            "a procedure that has another code by then",
            "2025-07-01 09:00",
            "2026-09-01 09:00",
            "3: procedure: '2.002622' ended on 2026-08-31: its place is taken by '2.002913'"
                .to_owned(),
        ),
        (
            "a priority that nobody knows",
            "elderly",
            "rich",
            "3: priority: rich is none of merit, disability, elderly, pregnant, poor".to_owned(),
        ),
        (
            "a matter of no ward",
            ",11602",
            ",11602-ca",
            "2: on_behalf_of: 11602-ca is no ward of the catalog".to_owned(),
        ),
        (
            "a row that is too short",
            "portal,online,,,,,",
            "portal,online",
            "4: has 6 columns, the header has 11".to_owned(),
        ),
        (
            "a comma outside of quotes",
            "\"12 đường Số Một, An Phong\"",
            "12 đường Số Một, An Phong",
            "2: has 12 columns, the header has 11".to_owned(),
        ),
        (
            "a quote that is never closed",
            "An Phong\"",
            "An Phong",
            "2: a double quote that is not closed swallows 3 lines from here on".to_owned(),
        ),
        (
            "a header that is missing",
            HEAD,
            "",
            format!(
                "1: names none of the columns, which are {}",
                KNOWN.join(", ")
            ),
        ),
    ];
    for (what, from, to, fault) in cases {
        assert!(SOUND.contains(from), "there is no '{from}'");
        let broken = SOUND.replacen(from, to, 1);
        assert_eq!(
            said(broken.as_bytes()),
            [format!("{FILE}:{fault}")],
            "{what}"
        );
    }
}

/// What spreadsheets make of a register when they are told to save it as something else.
#[test]
fn each_way_to_save_it_wrongly_is_told_once() {
    let utf_16: Vec<u8> = std::iter::once(0xfeff)
        .chain(SOUND.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let semicolons = SOUND.replace(',', ";");
    let tabs = SOUND.replace(',', "\t");
    for (what, file, fault) in [
        (
            "nothing at all",
            &b""[..],
            "1: names none of the columns, which are submitted_at",
        ),
        (
            "UTF-16",
            &utf_16,
            "1: is not written in UTF-8; save the register as \"CSV UTF-8\"",
        ),
        (
            "semicolons",
            semicolons.as_bytes(),
            "1: is divided by ';', and a register is by ','",
        ),
        (
            "tabs",
            tabs.as_bytes(),
            "1: is divided by '\\t', and a register is by ','",
        ),
    ] {
        let said = said(file);
        assert_eq!(said.len(), 1, "{what}: {said:?}");
        assert!(
            said[0].starts_with(&format!("{FILE}:{fault}")),
            "{what}: {said:?}"
        );
    }
    let marked = format!("\u{feff}{}", SOUND.replace('\n', "\r\n"));
    assert_eq!(said(marked.as_bytes()), [""; 0]);
}

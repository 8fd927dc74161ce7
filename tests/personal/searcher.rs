//! What is looked for is found where it lies: looking elsewhere and finding nothing means something.

use std::io::{Cursor, Read as _};

use crate::support::{Place, Search};

const NAME: &str = "Đỗ Thị Nguyệt";
const PHONE: &str = "0100123456";

fn found(text: impl AsRef<[u8]>) -> bool {
    let needles = [("a name", NAME), ("a phone", PHONE)]
        .map(|(what, needle)| (what.to_owned(), needle.to_owned()));
    let mut place = Place::new("here", "");
    Search::new(needles, &[]).look(text.as_ref(), &mut place);
    !place.is_clean()
}

#[test]
fn a_name_is_found_in_every_form() {
    for form in [
        "Đỗ Thị Nguyệt",
        "Đo\u{302}\u{303} Thi\u{323} Nguye\u{323}\u{302}t",
        "đỗ thị nguyệt",
        "ĐỖ THỊ NGUYỆT",
        "ĐO\u{302}\u{303} THI\u{323} NGUYE\u{323}\u{302}T",
        "Do Thi Nguyet",
        "do thi nguyet",
        r"Đo\u{302}\u{303} Thi\u{323} Nguye\u{323}\u{302}t",
        r"\xc490e1bb97205468e1bb8b204e677579e1bb8774",
        r"\xC490E1BB97205468E1BB8B204E677579E1BB8774",
    ] {
        assert!(found(format!("before {form}, behind")), "{form}");
    }
    for other in ["Đỗ Thị Nguyên", "Thị Nguyệt", "Do Thi", "", "H24.11593"] {
        assert!(!found(format!(" {other} ")), "{other}");
    }
}

#[test]
fn a_number_is_found_unless_it_is_a_part_of_a_longer_one() {
    for text in [
        "0100123456",
        "phone=0100123456.",
        "+84100123456",
        // A length, as PostgreSQL writes it before the next value, that happens to be a digit.
        "0100123456\u{35}nguoidan",
        "\\x0a303130303132333435361a",
    ] {
        assert!(found(text), "{text}");
    }
    for text in [
        "0100123457",
        // Microseconds, an id, a ciphertext.
        "1750100123456999",
        "4bf90100123456d2",
        "\\x8c1e0100123456a0b7c2",
        "3137353031303031323334353639393931",
    ] {
        assert!(!found(text), "{text}");
    }
}

#[test]
fn what_lies_across_two_pieces_is_found_once_and_all_is_counted() {
    let needles = [("a name".to_owned(), NAME.to_owned())];
    let search = Search::new(needles, &["H24."]);
    // The search reads a mebibyte at a time.
    for before in (1 << 20) - 120..(1 << 20) + 120 {
        let text = format!("{NAME}H24.{}", " ".repeat(200));
        let source = std::io::repeat(b' ').take(before).chain(Cursor::new(&text));
        let mut place = Place::new("here", "H24.");
        search.look(source, &mut place);
        let told = place.to_string();
        assert!(told.contains(" 1 × 'H24.', 1 found"), "{before}: {told}");
    }
}

#[test]
fn a_place_that_was_not_read_is_not_clean() {
    let search = Search::new([("a name".to_owned(), NAME.to_owned())], &["H24."]);
    let mut place = Place::new("here", "H24.");
    search.look("nothing at all".as_bytes(), &mut place);
    assert!(!place.is_clean());
    search.look("H24.11593".as_bytes(), &mut place);
    assert!(place.is_clean());
}

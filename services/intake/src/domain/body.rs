//! What an agency is called where it acts.

use super::forms::office_of;

/// A ward is a place: what acts there is its people's committee, named as the forms name it, in short. Any other title is a body's
/// already.
pub(super) fn body(title: &str) -> String {
    let office = office_of(title);
    if office.place == title {
        return title.to_owned();
    }
    office.agency.replace("Ủy ban nhân dân\n", "UBND ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ward_acts_through_its_committee_and_a_body_by_itself() {
        for (title, name) in [
            ("Phường An Phong", "UBND phường An Phong"),
            ("Đặc khu Bến Mây", "UBND đặc khu Bến Mây"),
            ("Công an phường An Phong", "Công an phường An Phong"),
            ("UBND xã Đồi Cỏ", "UBND xã Đồi Cỏ"),
        ] {
            assert_eq!(body(title), name);
        }
    }
}

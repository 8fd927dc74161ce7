//! Blind indexes: what a dossier is found by, as keyed digests of normalised words.
//!
//! The same word gives the same token, or nothing could be found; so whoever has the database and not the key sees which
//! dossiers share a phone number or a part of a name, and how frequent each is, but not which number or name. With the key,
//! which lies wrapped in `vault_secret`, a dictionary tells the rest.

use std::collections::BTreeSet;

use ring::{hkdf, hmac};
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{NewSubject, Secret};

/// Words of a name that are indexed, at most: nobody's has more, and a row must not grow without bound.
const NAME_WORDS_MAX: usize = 16;

/// Bytes of the blind index of an identity number. Of 128 bits no two persons ever share one.
const IDENTITY_BYTES: usize = 16;

/// Grave, acute, tilde, hook above, dot below: a syllable has one of them at most.
const TONES: [char; 5] = ['\u{300}', '\u{301}', '\u{303}', '\u{309}', '\u{323}'];

/// The keys of one database's indexes. ring does not wipe them; they live as long as the process.
pub(super) struct Index {
    tokens: hmac::Key,
    digests: hmac::Key,
}

impl std::fmt::Debug for Index {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Index(***)")
    }
}

/// What a new dossier is found by: made before anything is locked, because it takes as long as all the rest that is sealed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Newcomer {
    /// Blind index of the identity number; two dossiers of one are one person's.
    pub(super) identity: Option<Vec<u8>>,
    /// For `subject.tokens`.
    pub(super) tokens: Vec<i64>,
}

impl std::fmt::Debug for Newcomer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Newcomer(***)")
    }
}

/// What dossiers are looked for by. Its `Debug` shows only which kinds of it there are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Sought {
    /// Blind index of an identity number, for `person_key.identity`.
    pub identity: Option<Vec<u8>>,
    /// Tokens that a dossier must all have, for `subject.tokens`.
    pub tokens: Vec<i64>,
}

impl std::fmt::Debug for Sought {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sought")
            .field("identity", &self.identity.is_some())
            .field("tokens", &self.tokens.len())
            .finish()
    }
}

impl Index {
    pub(super) fn new(secret: &Secret) -> Self {
        // The secret is uniformly random: nothing has to be extracted from it.
        let prk = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, secret.expose());
        let derived = |purpose: &'static [u8]| {
            prk.expand(&[purpose], hmac::HMAC_SHA256)
                .map(hmac::Key::from)
                // A key as long as the hash can always be expanded.
                .unwrap_or_else(|_| hmac::Key::new(hmac::HMAC_SHA256, secret.expose()))
        };
        Self {
            tokens: derived(b"motcua vault: blind index, 1"),
            digests: derived(b"motcua vault: request digest, 1"),
        }
    }

    pub(super) fn digest(&self, bytes: &[u8]) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(hmac::sign(&self.digests, bytes).as_ref());
        digest
    }

    pub(super) fn identity(&self, number: &str) -> Option<Vec<u8>> {
        let number = identity(number);
        (!number.is_empty())
            .then(|| self.tag("identity", &number).as_ref()[..IDENTITY_BYTES].to_vec())
    }

    pub(super) fn phone(&self, number: &str) -> Option<i64> {
        let number = phone(number);
        (!number.is_empty()).then(|| self.token("phone", &number))
    }

    /// The tokens of a name as it is looked for: a word without marks finds every word that reads so without them, one with
    /// marks finds only itself.
    pub(super) fn sought_name(&self, name: &str) -> Vec<i64> {
        let tokens: BTreeSet<_> = words(name)
            .map(|word| {
                let folded = folded(&word);
                if folded == word {
                    self.token("folded", &folded)
                } else {
                    self.token("marked", &marked(&word))
                }
            })
            .collect();
        tokens.into_iter().collect()
    }

    /// Every token that a dossier is found by. The identity number is not among them: its person is.
    pub(super) fn tokens(&self, subject: &NewSubject) -> Vec<i64> {
        let names = words(subject.full_name.expose()).flat_map(|word| {
            [
                self.token("folded", &folded(&word)),
                self.token("marked", &marked(&word)),
            ]
        });
        let tokens: BTreeSet<_> = names.chain(self.phone(subject.phone.expose())).collect();
        tokens.into_iter().collect()
    }

    fn tag(&self, kind: &str, value: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.tokens);
        context.update(kind.as_bytes());
        context.update(&[0]);
        context.update(value.as_bytes());
        context.sign()
    }

    fn token(&self, kind: &str, value: &str) -> i64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.tag(kind, value).as_ref()[..8]);
        i64::from_be_bytes(bytes)
    }
}

/// Letters and digits, in capitals.
fn identity(number: &str) -> String {
    number
        .nfkc()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_uppercase)
        .collect()
}

/// Digits as one dials them within the country.
fn phone(number: &str) -> String {
    let digits: String = number.nfkc().filter(char::is_ascii_digit).collect();
    let national = digits
        .strip_prefix("0084")
        .or_else(|| digits.strip_prefix("84").filter(|rest| rest.len() >= 9));
    match national {
        // `+84 (0)912 …`
        Some(rest) => format!("0{}", rest.trim_start_matches('0')),
        None => digits,
    }
}

/// The words of a name, in small letters, composed.
fn words(name: &str) -> impl Iterator<Item = String> {
    let name: String = name.nfkc().flat_map(char::to_lowercase).nfc().collect();
    let words: Vec<_> = name
        .split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c))
        .filter(|word| !word.is_empty())
        .take(NAME_WORDS_MAX)
        .map(str::to_owned)
        .collect();
    words.into_iter()
}

/// Without marks, and with d for đ.
fn folded(word: &str) -> String {
    word.nfd()
        .filter(|c| !is_combining_mark(*c))
        .map(|c| if c == 'đ' { 'd' } else { c })
        .collect()
}

/// With its marks, but the tone last: whether one writes hoà or hòa, thuý or thúy, is a matter of taste.
fn marked(word: &str) -> String {
    let (mut tones, letters): (Vec<_>, Vec<_>) = word.nfd().partition(|c| TONES.contains(c));
    tones.sort_unstable();
    letters.into_iter().chain(tones).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index() -> Index {
        Index::new(&Secret::from_bytes(&[7; 32]).unwrap())
    }

    fn named(name: &str) -> Vec<i64> {
        index().tokens(&NewSubject {
            full_name: name.to_owned().into(),
            ..NewSubject::default()
        })
    }

    fn finds(sought: &str, name: &str) -> bool {
        let tokens = named(name);
        index()
            .sought_name(sought)
            .iter()
            .all(|token| tokens.contains(token))
    }

    #[test]
    fn without_marks_one_finds_all_that_read_so_and_with_marks_only_the_very_word() {
        assert!(finds("duong", "Dương Thị Thử"));
        assert!(finds("DUONG thu", "Đường Văn Thử"));
        assert!(finds("dương", "Trần Dương"));
        assert!(!finds("dương", "Trần Đường"));
        assert!(!finds("duong van", "Dương Thị Thử"));
        assert!(finds("Đ", "Đ"));
        assert!(!finds("đ", "D"));
        assert!(finds("d", "Đ"));
    }

    #[test]
    fn it_does_not_matter_where_one_puts_the_tone() {
        assert!(finds("Hoà", "Nguyễn Văn Hòa"));
        assert!(finds("thuý", "Thúy"));
        assert!(!finds("hoá", "Hòa"));
    }

    #[test]
    fn composed_decomposed_and_any_case_are_the_same_name() {
        let name = "Nguyễn Đặng Thuỳ-Dương";
        let decomposed: String = name.nfd().collect();
        assert_ne!(name, decomposed);
        assert_eq!(named(name), named(&decomposed));
        assert_eq!(named(name), named(&name.to_uppercase()));
        assert_eq!(named(name), named("  Nguyễn\u{a0}Đặng  thuỳ dương,"));
    }

    #[test]
    fn a_phone_number_is_found_however_it_is_written() {
        let index = index();
        let number = index.phone("0900 000 001");
        for spelling in [
            "0900000001",
            "+84900000001",
            "84 900-000-001",
            "+84 (0)900.000.001",
            "0084900000001",
            "０９０００００００１",
        ] {
            assert_eq!(index.phone(spelling), number, "{spelling}");
        }
        assert_ne!(index.phone("0900000002"), number);
        assert_eq!(index.phone("8412"), index.phone("84-12"));
        assert_eq!(index.phone("—"), None);
    }

    #[test]
    fn an_identity_number_is_found_however_it_is_written() {
        let index = index();
        assert_eq!(index.identity("b 123-456"), index.identity("B123456"));
        assert_ne!(index.identity("B123456"), index.identity("B123457"));
        assert_eq!(index.identity(" . "), None);
    }

    #[test]
    fn kinds_purposes_and_databases_share_no_token() {
        let index = index();
        assert_ne!(index.token("phone", "1"), index.token("folded", "1"));
        assert_ne!(index.digest(b"x")[..], index.tag("", "x").as_ref()[..]);
        let other = Index::new(&Secret::from_bytes(&[8; 32]).unwrap());
        assert_ne!(index.phone("0900000001"), other.phone("0900000001"));
        assert_ne!(index.digest(b"x"), other.digest(b"x"));
    }

    #[test]
    fn what_is_sought_is_not_shown() {
        let sought = Sought {
            identity: Some(vec![1]),
            tokens: vec![4711],
        };
        assert_eq!(
            format!("{sought:?}"),
            "Sought { identity: true, tokens: 1 }"
        );
    }

    proptest! {
        #[test]
        fn every_name_is_found_by_each_of_its_words_as_written_and_without_marks(
            name in "[a-zA-ZăâđêôơưĂÂĐÊÔƠƯáàảãạếềểễệốờụựỵ\\u{300}\\u{323} '.-]{0,40}",
        ) {
            for word in words(&name) {
                prop_assert!(finds(&word, &name), "{word:?}");
                prop_assert!(finds(&folded(&word), &name));
            }
        }

        #[test]
        fn folding_twice_is_folding_once_and_leaves_nothing_to_fold(text in "\\PC{0,20}") {
            for word in words(&text) {
                let once = folded(&word);
                prop_assert_eq!(folded(&once), once);
            }
        }

        #[test]
        fn normal_forms_do_not_matter(text in "\\PC{0,30}") {
            let nfd: String = text.nfd().collect();
            let nfc: String = text.nfc().collect();
            prop_assert_eq!(named(&nfd), named(&nfc));
        }

        #[test]
        fn a_row_never_grows_without_bound(text in "\\PC{0,200}") {
            prop_assert!(named(&text).len() <= 2 * NAME_WORDS_MAX);
        }
    }
}

//! Whether somebody's data lie somewhere in the clear, in whatever form.
//!
//! Each needle is looked for in every Unicode normal form, in small and capital letters, as `Debug` escapes it, without its
//! marks where it has at least three words (fewer read like many other things then), and, for numbers of phones, in the
//! international form; and each of these also in hexadecimal, because that is how PostgreSQL writes bytes as text and in
//! dumps. Not in base64: nothing here writes bytes so but the tokens of callers and the services' keys, and neither holds
//! anything of a dossier's.
//!
//! A needle of digits alone can be part of something else by chance: of an instant in microseconds, an id, a ciphertext in
//! hexadecimal. It does not count within sixteen or more hexadecimal digits in a row. In PostgreSQL's own files two values
//! may stand side by side and look like that; as rows of text and in a dump, where the same values are looked for, nothing
//! stands beside them.

use std::{collections::HashSet, fmt, io::Read};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

/// Read at a time. Bytes.
const CHUNK: usize = 1 << 20;
/// Hexadecimal digits in a row that are an id, an instant or a ciphertext.
const RUN: usize = 16;
/// What may have to be seen on either side of a match: a run, in hexadecimal itself. Bytes.
const MARGIN: usize = 2 * RUN;
/// What is shown of a find's surroundings, on either side. Bytes.
const AROUND: usize = 80;
/// Finds that are told of one place.
const TOLD: usize = 10;

/// Looks for many needles at once.
#[derive(Debug)]
pub(crate) struct Search {
    automaton: AhoCorasick,
    patterns: Vec<Pattern>,
    longest: usize,
}

#[derive(Debug)]
enum Pattern {
    Needle {
        what: String,
        digits: bool,
        hexadecimal: bool,
    },
    Proof(&'static str),
}

/// Something that is looked through, bit by bit.
#[derive(Debug)]
pub(crate) struct Place {
    name: String,
    proof: &'static str,
    bytes: u64,
    proofs: u64,
    finds: u64,
    told: Vec<String>,
}

impl Place {
    /// A place where `proof`, which must be one of the search's, is bound to be found if it is really read; nothing need
    /// be found if it is empty.
    pub(crate) fn new(name: impl Into<String>, proof: &'static str) -> Self {
        Self {
            name: name.into(),
            proof,
            bytes: 0,
            proofs: 0,
            finds: 0,
            told: Vec::new(),
        }
    }

    /// True when it was really read and nothing was found in it.
    pub(crate) fn is_clean(&self) -> bool {
        self.finds == 0 && self.bytes > 0 && (self.proof.is_empty() || self.proofs > 0)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<36} {:>13} bytes, {:>8} × '{}', {} found",
            self.name, self.bytes, self.proofs, self.proof, self.finds
        )?;
        self.told
            .iter()
            .try_for_each(|told| write!(f, "\n    {told}"))
    }
}

impl Search {
    /// For these needles, each with a word that says what it is; and for proofs that a place was really read.
    pub(crate) fn new(
        needles: impl IntoIterator<Item = (String, String)>,
        proofs: &[&'static str],
    ) -> Self {
        let (mut texts, mut patterns, mut known) = (Vec::new(), Vec::new(), HashSet::new());
        for proof in proofs {
            texts.push(proof.as_bytes().to_vec());
            patterns.push(Pattern::Proof(proof));
        }
        for (what, needle) in needles {
            for form in forms(&needle) {
                let digits = form.bytes().all(|byte| byte.is_ascii_digit());
                for hexadecimal in [false, true] {
                    let text = if hexadecimal {
                        hex(&form)
                    } else {
                        form.clone()
                    };
                    if known.insert(text.to_ascii_lowercase()) {
                        texts.push(text.into_bytes());
                        let what = what.clone();
                        patterns.push(Pattern::Needle {
                            what,
                            digits,
                            hexadecimal,
                        });
                    }
                }
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .ascii_case_insensitive(true)
            .build(&texts)
            .expect("patterns");
        Self {
            automaton,
            patterns,
            longest: texts.iter().map(Vec::len).max().unwrap_or_default(),
        }
    }

    /// How many texts are looked for: every form of every needle.
    pub(crate) fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Looks through all that can be read, in pieces that overlap.
    pub(crate) fn look(&self, mut source: impl Read, place: &mut Place) {
        let keep = self.longest + 2 * MARGIN;
        let mut buffer = Vec::with_capacity(keep + CHUNK);
        loop {
            // Whoever ended here has been seen, with what stands behind it.
            let seen = buffer.len().saturating_sub(MARGIN);
            let chunk = u64::try_from(CHUNK).expect("small");
            let read = source
                .by_ref()
                .take(chunk)
                .read_to_end(&mut buffer)
                .expect("it can be read");
            let is_last = read < CHUNK;
            let until = if is_last {
                buffer.len()
            } else {
                buffer.len() - MARGIN
            };
            place.bytes += u64::try_from(read).expect("small");
            for found in self.automaton.find_overlapping_iter(&buffer) {
                if found.end() > seen && found.end() <= until {
                    let pattern = &self.patterns[found.pattern().as_usize()];
                    pattern.met(&buffer, found.range(), place);
                }
            }
            if is_last {
                return;
            }
            buffer.drain(..buffer.len().saturating_sub(keep));
        }
    }
}

impl Pattern {
    fn met(&self, bytes: &[u8], at: std::ops::Range<usize>, place: &mut Place) {
        match self {
            Self::Proof(proof) => place.proofs += u64::from(*proof == place.proof),
            Self::Needle {
                digits: true,
                hexadecimal,
                ..
            } if run(bytes, &at, *hexadecimal) >= RUN => {}
            Self::Needle { what, .. } => {
                place.finds += 1;
                if place.told.len() < TOLD {
                    let around = at.start.saturating_sub(AROUND)..bytes.len().min(at.end + AROUND);
                    let around = String::from_utf8_lossy(&bytes[around]);
                    place.told.push(format!("{what}: …{around:?}…"));
                }
            }
        }
    }
}

/// How many hexadecimal digits stand in a row where a number was found.
fn run(bytes: &[u8], at: &std::ops::Range<usize>, hexadecimal: bool) -> usize {
    let width = if hexadecimal { 2 } else { 1 };
    let is_digit = |written: &[u8]| match *written {
        [byte] => byte.is_ascii_hexdigit(),
        [high, low] => std::str::from_utf8(&[high, low])
            .ok()
            .and_then(|pair| u8::from_str_radix(pair, 16).ok())
            .is_some_and(|byte| byte.is_ascii_hexdigit()),
        _ => false,
    };
    let before = bytes[..at.start].rchunks_exact(width);
    let after = bytes[at.end..].chunks_exact(width);
    at.len() / width
        + before
            .take(RUN)
            .take_while(|written| is_digit(written))
            .count()
        + after
            .take(RUN)
            .take_while(|written| is_digit(written))
            .count()
}

/// How a needle may be written.
fn forms(needle: &str) -> HashSet<String> {
    let mut forms = HashSet::new();
    for normal in [
        needle.nfc().to_string(),
        needle.nfd().to_string(),
        needle.nfkc().to_string(),
        needle.nfkd().to_string(),
    ] {
        forms.extend([normal.to_lowercase(), normal.to_uppercase()]);
        forms.insert(normal);
    }
    let escaped: Vec<_> = forms
        .iter()
        .map(|form| format!("{form:?}").trim_matches('"').to_owned())
        .collect();
    forms.extend(escaped);
    if needle.split_whitespace().count() >= 3 {
        let bare = needle.nfd().filter(|letter| !is_combining_mark(*letter));
        forms.insert(bare.collect::<String>().replace('đ', "d").replace('Đ', "D"));
    }
    if let Some(national) = needle.strip_prefix('0')
        && needle.len() == 10
        && needle.bytes().all(|byte| byte.is_ascii_digit())
    {
        forms.insert(format!("84{national}"));
    }
    forms
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

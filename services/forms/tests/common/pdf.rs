//! Reads text out of a PDF the way a reader does: objects, streams, fonts and their maps to Unicode, positions.
//!
//! It shares no code with the crate, so that it notices what the crate gets wrong.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

/// Text that was shown at once.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) page: usize,
    pub(crate) x: f32,
    /// From the bottom of the page.
    pub(crate) y: f32,
    pub(crate) width: f32,
    pub(crate) size: f32,
    pub(crate) text: String,
}

pub(crate) struct Read {
    pub(crate) pages: usize,
    pub(crate) shown: Vec<Shown>,
}

struct Face {
    letters: BTreeMap<u16, String>,
    widths: Vec<f32>,
}

pub(crate) fn read(pdf: &[u8]) -> Read {
    let objects = objects(pdf);
    let mut faces = BTreeMap::new();
    let mut read = Read {
        pages: 0,
        shown: Vec::new(),
    };
    for (dictionary, _) in objects
        .values()
        .filter(|(dictionary, _)| dictionary.contains("/Type /Page\n"))
    {
        for (_, name, id) in references(between(dictionary, "/Font <<", ">>")) {
            faces.entry(name).or_insert_with(|| face(&objects, id));
        }
        let (_, _, id) = references(dictionary)
            .into_iter()
            .find(|(_, name, _)| name == "Contents")
            .unwrap();
        show(
            &String::from_utf8_lossy(&objects[&id].1),
            &faces,
            read.pages,
            &mut read.shown,
        );
        read.pages += 1;
    }
    read
}

/// Lines from top to bottom: what has the same baseline is one line, a wide gap in it a tab.
pub(crate) fn lines(read: &Read) -> String {
    let mut out = String::new();
    for page in 0..read.pages {
        if page > 0 {
            out.push_str("---\n");
        }
        let mut shown: Vec<&Shown> = read
            .shown
            .iter()
            .filter(|shown| shown.page == page)
            .collect();
        shown.sort_by(|a, b| b.y.total_cmp(&a.y).then(a.x.total_cmp(&b.x)));
        let mut before: Option<&Shown> = None;
        for shown in shown {
            if let Some(before) = before {
                if (before.y - shown.y).abs() > 0.05 {
                    out.push('\n');
                } else if shown.x > before.x + before.width + 1.0 {
                    out.push('\t');
                }
            }
            out.push_str(&shown.text);
            before = Some(shown);
        }
        out.push('\n');
    }
    out
}

fn objects(pdf: &[u8]) -> BTreeMap<i32, (String, Vec<u8>)> {
    let mut objects = BTreeMap::new();
    let mut rest = pdf;
    while let Some(at) = find(rest, b" 0 obj\n") {
        let start = rest[..at]
            .iter()
            .rposition(|byte| !byte.is_ascii_digit())
            .map_or(0, |at| at + 1);
        let id = std::str::from_utf8(&rest[start..at])
            .unwrap()
            .parse()
            .unwrap();
        rest = &rest[at + 7..];
        let (end, stream) = (find(rest, b"endobj").unwrap(), find(rest, b"stream\n"));
        let Some(stream) = stream.filter(|stream| *stream < end) else {
            objects.insert(
                id,
                (
                    String::from_utf8_lossy(&rest[..end]).into_owned(),
                    Vec::new(),
                ),
            );
            continue;
        };
        let dictionary = String::from_utf8_lossy(&rest[..stream]).into_owned();
        let length: usize = between(&dictionary, "/Length ", "\n")
            .trim()
            .parse()
            .unwrap();
        let packed = &rest[stream + 7..stream + 7 + length];
        let data = miniz_oxide::inflate::decompress_to_vec_zlib(packed).unwrap();
        rest = &rest[stream + 7 + length..];
        objects.insert(id, (dictionary, data));
    }
    objects
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let after = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start} in {text}"))
        .1;
    after.split_once(end).map_or(after, |(inside, _)| inside)
}

/// `/Name 12 0 R`, with the place where it was found.
fn references(text: &str) -> Vec<(usize, String, i32)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices(" 0 R") {
        let before = text[..at].trim_end_matches(']');
        let digits = before
            .rfind(|character: char| !character.is_ascii_digit())
            .map_or(0, |at| at + 1);
        let name = before[..digits].rsplit('/').next().unwrap_or_default();
        found.push((
            at,
            name.trim_matches([' ', '[']).to_owned(),
            before[digits..].parse().unwrap(),
        ));
    }
    found
}

fn face(objects: &BTreeMap<i32, (String, Vec<u8>)>, id: i32) -> Face {
    let named = |text: &str, wanted: &str| {
        references(text)
            .into_iter()
            .find(|(_, name, _)| name == wanted)
            .map(|(_, _, id)| id)
            .unwrap()
    };
    let font = &objects[&id].0;
    let mut letters = BTreeMap::new();
    let map = String::from_utf8(objects[&named(font, "ToUnicode")].1.clone()).unwrap();
    for part in map.split("beginbfchar").skip(1) {
        for line in part
            .split("endbfchar")
            .next()
            .unwrap()
            .lines()
            .filter(|line| line.starts_with('<'))
        {
            let (glyph, letter) = line.split_once("> <").unwrap();
            let units: Vec<u16> = letter
                .trim_end_matches('>')
                .as_bytes()
                .chunks(4)
                .map(|digits| {
                    u16::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap()
                })
                .collect();
            letters.insert(
                u16::from_str_radix(glyph.trim_start_matches('<'), 16).unwrap(),
                String::from_utf16(&units).unwrap(),
            );
        }
    }
    let cid = &objects[&named(font, "DescendantFonts")].0;
    let widths = between(between(cid, "/W [", "]]"), "[", "]");
    Face {
        letters,
        widths: widths
            .split_whitespace()
            .map(|width| width.parse().unwrap())
            .collect(),
    }
}

/// The operators that text is shown with.
fn show(content: &str, faces: &BTreeMap<String, Face>, page: usize, out: &mut Vec<Shown>) {
    let (mut face, mut size, mut x, mut y) = (None, 0.0, 0.0, 0.0);
    for line in content.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [name, points, "Tf"] => {
                face = faces.get(name.trim_start_matches('/'));
                size = points.parse().unwrap();
            }
            [right, up, "Td"] => (x, y) = (right.parse().unwrap(), up.parse().unwrap()),
            [.., last] if last.ends_with("TJ") => {
                let face = face.unwrap();
                let mut shown = Shown {
                    page,
                    x,
                    y,
                    width: 0.0,
                    size,
                    text: String::new(),
                };
                for part in array(line) {
                    match part {
                        Part::Glyphs(glyphs) => {
                            for glyph in glyphs {
                                shown.text.push_str(&face.letters[&glyph]);
                                shown.width += face.widths[usize::from(glyph)] * size / 1000.0;
                            }
                        }
                        Part::Adjust(by) => shown.width -= by * size / 1000.0,
                    }
                }
                out.push(shown);
            }
            _ => {}
        }
    }
}

enum Part {
    Glyphs(Vec<u16>),
    Adjust(f32),
}

/// `[<00010002> -12.5 (\000\003)] TJ`.
fn array(line: &str) -> Vec<Part> {
    let mut rest = line.trim_start_matches('[');
    let mut parts = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(digits) = rest.strip_prefix('<') {
            let (digits, after) = digits.split_once('>').unwrap();
            let byte =
                |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            parts.push(glyphs(
                &digits.as_bytes().chunks(2).map(byte).collect::<Vec<_>>(),
            ));
            rest = after;
        } else if let Some(text) = rest.strip_prefix('(') {
            let (bytes, after) = literal(text);
            parts.push(glyphs(&bytes));
            rest = after;
        } else if rest.starts_with(']') {
            return parts;
        } else {
            let end = rest.find([' ', '<', '(', ']']).unwrap();
            parts.push(Part::Adjust(rest[..end].parse().unwrap()));
            rest = &rest[end..];
        }
    }
}

fn glyphs(bytes: &[u8]) -> Part {
    Part::Glyphs(
        bytes
            .chunks(2)
            .map(|pair| u16::from_be_bytes(pair.try_into().unwrap()))
            .collect(),
    )
}

/// A string in brackets, up to its end, and what follows it.
fn literal(text: &str) -> (Vec<u8>, &str) {
    let mut bytes = Vec::new();
    let mut depth = 0;
    let mut at = 0;
    let source = text.as_bytes();
    loop {
        match source[at] {
            b')' if depth == 0 => return (bytes, &text[at + 1..]),
            b'\\' if source[at + 1].is_ascii_digit() => {
                bytes.push(u8::from_str_radix(&text[at + 1..at + 4], 8).unwrap());
                at += 3;
            }
            b'\\' => {
                at += 1;
                bytes.push(match source[at] {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'f' => 12,
                    other => other,
                });
            }
            byte => {
                depth += i32::from(byte == b'(') - i32::from(byte == b')');
                bytes.push(byte);
            }
        }
        at += 1;
    }
}

//! Breaks a paragraph into lines of measured width.

use crate::{
    blocks::{Align, Paragraph, Span, Style},
    font::Fonts,
};

/// From one baseline to the next, in sizes of the letters.
pub(crate) const LEADING: f32 = 1.2;
/// From the top of a line to its baseline: room for a capital with two marks.
pub(crate) const ASCENT: f32 = 0.94;
/// Gaps between words wider than this (in sizes of the letters) look like holes; such a line stays ragged.
const GAP_MAX: f32 = 0.6;

pub(crate) struct Line {
    pub(crate) runs: Vec<Run>,
    /// From the start of the first run to the end of the last.
    pub(crate) width: f32,
}

/// Text of one style on one line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) x: f32,
    pub(crate) width: f32,
    pub(crate) style: Style,
    pub(crate) size: f32,
    pub(crate) text: String,
    /// What justification adds to each blank.
    pub(crate) stretch: f32,
}

#[derive(Clone, Copy)]
struct Letter {
    character: char,
    style: Style,
    advance: f32,
}

impl Letter {
    /// A no-break space is no place to break: it is another character.
    const fn is_blank(self) -> bool {
        self.character == ' '
    }
}

pub(crate) fn set(fonts: &Fonts, paragraph: &Paragraph, width: f32) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut indent = paragraph.indent.min(width / 2.0);
    for letters in forced(fonts, paragraph) {
        let mut rest = letters.as_slice();
        let measure = if paragraph.align == Align::Center {
            balanced(rest, width)
        } else {
            width
        };
        loop {
            let (line, after) = break_once(rest, measure - indent);
            lines.push(align(line, paragraph, indent, width, after.is_empty()));
            indent = 0.0;
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    lines
}

/// The letters between the line breaks that the text itself demands.
fn forced(fonts: &Fonts, paragraph: &Paragraph) -> Vec<Vec<Letter>> {
    let mut parts = vec![Vec::new()];
    for span in &paragraph.spans {
        match span {
            Span::Break => parts.push(Vec::new()),
            Span::Text(style, text) => {
                let font = fonts.of(*style);
                let letters = text.chars().map(|character| Letter {
                    character,
                    style: *style,
                    advance: font.glyph(character).advance * paragraph.size,
                });
                if let Some(part) = parts.last_mut() {
                    part.extend(letters);
                }
            }
        }
    }
    parts
}

/// The least width that needs no more lines than the whole width does: titles in the middle of a page look best when
/// their lines are alike.
fn balanced(letters: &[Letter], width: f32) -> f32 {
    let lines = |width| {
        let (mut count, mut rest) = (0, letters);
        while !rest.is_empty() {
            rest = break_once(rest, width).1;
            count += 1;
        }
        count
    };
    let wanted = lines(width);
    if wanted < 2 {
        return width;
    }
    let (mut narrow, mut wide) = (0.0, width);
    for _ in 0..12 {
        let middle = f32::midpoint(narrow, wide);
        if lines(middle) > wanted {
            narrow = middle;
        } else {
            wide = middle;
        }
    }
    wide
}

/// The letters of the next line, and those that are left. A word wider than the line is broken by letters.
fn break_once(letters: &[Letter], width: f32) -> (&[Letter], &[Letter]) {
    let mut x = 0.0;
    let mut blank = None;
    for (at, letter) in letters.iter().enumerate() {
        x += letter.advance;
        if letter.is_blank() {
            blank = Some(at);
        } else if x > width && at > 0 {
            let end = blank.unwrap_or(at);
            let next = letters[end..]
                .iter()
                .position(|letter| !letter.is_blank())
                .map_or(letters.len(), |skip| end + skip);
            return (&letters[..end], &letters[next..]);
        }
    }
    (letters, &[])
}

fn align(letters: &[Letter], paragraph: &Paragraph, indent: f32, width: f32, last: bool) -> Line {
    let end = letters
        .iter()
        .rposition(|letter| !letter.is_blank())
        .map_or(0, |at| at + 1);
    let letters = &letters[..end];
    let natural: f32 = letters.iter().map(|letter| letter.advance).sum();
    let room = (width - indent - natural).max(0.0);
    let blanks = letters.iter().filter(|letter| letter.is_blank()).count();
    let stretch = match paragraph.align {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a line holds a few hundred blanks at most"
        )]
        Align::Justify if !last && blanks > 0 => {
            Some(room / blanks as f32).filter(|gap| *gap <= GAP_MAX * paragraph.size)
        }
        _ => None,
    }
    .unwrap_or(0.0);
    let mut x = indent
        + match paragraph.align {
            Align::Left | Align::Justify => 0.0,
            Align::Center => room / 2.0,
            Align::Right => room,
        };
    let start = x;
    let mut runs: Vec<Run> = Vec::new();
    for letter in letters {
        let advance = letter.advance + if letter.is_blank() { stretch } else { 0.0 };
        match runs.last_mut() {
            Some(run) if run.style == letter.style => {
                run.text.push(letter.character);
                run.width += advance;
            }
            _ => runs.push(Run {
                x,
                width: advance,
                style: letter.style,
                size: paragraph.size,
                text: letter.character.to_string(),
                stretch,
            }),
        }
        x += advance;
    }
    Line {
        runs,
        width: x - start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{blocks::Block, blocks::Document, markup::parse};

    fn texts(markup: &str, width: f32) -> Vec<(String, f32, f32)> {
        let document =
            Document::read(&parse(&format!("<form>{markup}</form>")).unwrap(), 1.0).unwrap();
        let Block::Paragraph(paragraph) = &document.blocks[0] else {
            panic!("no paragraph")
        };
        set(&Fonts::load().unwrap(), paragraph, width)
            .into_iter()
            .map(|line| {
                let x = line.runs.first().map_or(0.0, |run| run.x);
                (
                    line.runs.iter().map(|run| run.text.as_str()).collect(),
                    x,
                    line.width,
                )
            })
            .collect()
    }

    #[test]
    fn words_stay_whole_and_lines_within_the_width() {
        let lines = texts(
            "<p size=\"10\">Cộng hòa xã hội <b>chủ nghĩa</b> Việt Nam</p>",
            60.0,
        );
        let joined: Vec<&str> = lines.iter().map(|line| line.0.as_str()).collect();
        assert_eq!(joined.join(" "), "Cộng hòa xã hội chủ nghĩa Việt Nam");
        assert!(lines.len() > 2 && lines.iter().all(|line| line.2 <= 60.0));
    }

    #[test]
    fn a_word_that_is_too_long_is_broken_by_letters() {
        let lines = texts(
            &format!("<p size=\"10\">ngắn {}</p>", "m".repeat(200)),
            60.0,
        );
        assert_eq!(lines[0].0, "ngắn");
        assert!(lines.iter().all(|line| line.2 <= 60.0));
        assert_eq!(
            lines
                .iter()
                .map(|line| line.0.matches('m').count())
                .sum::<usize>(),
            200
        );
    }

    #[test]
    fn justified_lines_fill_the_width_but_the_last() {
        let lines = texts(
            "<p size=\"10\" align=\"justify\" indent=\"20\">một hai ba bốn năm sáu bảy tám chín mười</p>",
            80.0,
        );
        let (last, filled) = lines.split_last().unwrap();
        assert!((filled[0].1 - 20.0).abs() < 0.01);
        assert!(
            filled
                .iter()
                .all(|line| (line.1 + line.2 - 80.0).abs() < 0.01)
        );
        assert!(last.2 < 80.0);
    }

    #[test]
    fn breaks_that_the_text_demands_are_kept() {
        let lines = texts("<p>một<br/><br/>hai</p>", 80.0);
        assert_eq!(
            lines.iter().map(|line| line.0.as_str()).collect::<Vec<_>>(),
            ["một", "", "hai"]
        );
    }
}

//! The fonts that the binary carries, and how wide their letters are.
//!
//! Liberation Serif has the measures of Times New Roman, which decree 30/2020 asks for, and every Vietnamese letter.

use crate::blocks::Style;
use ttf_parser::{Face, GlyphId};

/// Stands for what the font cannot draw.
const SUBSTITUTE: char = '□';

pub(crate) struct Fonts {
    regular: Font,
    bold: Font,
    italic: Font,
}

pub(crate) struct Font {
    pub(crate) name: &'static str,
    pub(crate) data: &'static [u8],
    pub(crate) face: Face<'static>,
}

/// A letter as it is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Glyph {
    pub(crate) id: u16,
    /// What reads out of the PDF.
    pub(crate) character: char,
    /// In em.
    pub(crate) advance: f32,
    /// Whether the font has it.
    pub(crate) found: bool,
}

impl Fonts {
    pub(crate) fn load() -> Result<Self, ttf_parser::FaceParsingError> {
        let font = |name, data| Face::parse(data, 0).map(|face| Font { name, data, face });
        Ok(Self {
            regular: font(
                "LiberationSerif",
                include_bytes!("../fonts/LiberationSerif-Regular.ttf").as_slice(),
            )?,
            bold: font(
                "LiberationSerif-Bold",
                include_bytes!("../fonts/LiberationSerif-Bold.ttf").as_slice(),
            )?,
            italic: font(
                "LiberationSerif-Italic",
                include_bytes!("../fonts/LiberationSerif-Italic.ttf").as_slice(),
            )?,
        })
    }

    pub(crate) const fn of(&self, style: Style) -> &Font {
        match style {
            Style::Regular => &self.regular,
            Style::Bold => &self.bold,
            Style::Italic => &self.italic,
        }
    }

    pub(crate) fn width(&self, style: Style, size: f32, text: &str) -> f32 {
        text.chars()
            .map(|character| self.of(style).glyph(character).advance * size)
            .sum()
    }
}

impl Font {
    pub(crate) fn glyph(&self, character: char) -> Glyph {
        let found = self.face.glyph_index(character);
        let drawn = if found.is_some() {
            character
        } else {
            SUBSTITUTE
        };
        let id = found
            .or_else(|| self.face.glyph_index(SUBSTITUTE))
            .unwrap_or(GlyphId(0));
        Glyph {
            id: id.0,
            character: drawn,
            advance: self.advance(id.0),
            found: found.is_some(),
        }
    }

    /// In em.
    pub(crate) fn advance(&self, id: u16) -> f32 {
        f32::from(self.face.glyph_hor_advance(GlyphId(id)).unwrap_or(0))
            / f32::from(self.face.units_per_em())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vietnamese_letter_is_there_in_every_style() {
        let fonts = Fonts::load().unwrap();
        let marked =
            ('\u{1ea0}'..='\u{1ef9}').chain("ăâđêôơưĂÂĐÊÔƠƯàáãèéìíĩòóõùúũýÀÁÃÈÉÌÍĨÒÓÕÙÚŨÝ".chars());
        for character in marked.chain(' '..='~').chain("…–—“”‘’•·₫²³°□".chars())
        {
            for style in [Style::Regular, Style::Bold, Style::Italic] {
                let glyph = fonts.of(style).glyph(character);
                assert!(
                    glyph.found && glyph.advance > 0.0,
                    "{character} in {style:?}"
                );
            }
        }
    }

    #[test]
    fn what_the_font_lacks_is_a_box() {
        let font = &Fonts::load().unwrap().regular;
        let glyph = font.glyph('漢');
        assert!(!glyph.found);
        assert_eq!(glyph.character, '□');
        assert_eq!(glyph.id, font.glyph('□').id);
    }
}

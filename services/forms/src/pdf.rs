//! Writes laid-out pages as PDF: fonts as subsets, each glyph with the letter that it stands for, nothing from a clock.

use crate::{
    Laid,
    blocks::Style,
    font::{Font, Fonts},
    layout::{Item, Page},
    lines::Run,
};
use pdf_writer::{
    Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr,
    types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap},
};
use std::collections::BTreeMap;
use subsetter::GlyphRemapper;

const IDENTITY: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};
/// Good compression; the highest level takes twice as long for a hundredth less.
const LEVEL: u8 = 6;
const STYLES: [(Style, Name<'static>); 3] = [
    (Style::Regular, Name(b"R")),
    (Style::Bold, Name(b"B")),
    (Style::Italic, Name(b"I")),
];

/// The file. All papers in it share their fonts.
pub(crate) fn write(fonts: &Fonts, papers: &[Laid]) -> Result<Vec<u8>, subsetter::Error> {
    let mut used: Vec<Used> = STYLES.iter().map(|(style, _)| Used::new(*style)).collect();
    let mut contents = Vec::new();
    for paper in papers {
        let page = Page::of(paper.sheet, paper.document.landscape);
        contents.extend(
            paper
                .pages
                .iter()
                .map(|items| (page, content(fonts, page, items, &mut used))),
        );
    }
    let titles: Vec<&str> = papers
        .iter()
        .map(|paper| paper.document.title.as_str())
        .collect();

    let mut ids = 1..;
    let mut id = || Ref::new(ids.next().unwrap_or(i32::MAX));
    let (catalog, tree, info) = (id(), id(), id());
    let page_ids: Vec<(Ref, Ref)> = contents.iter().map(|_| (id(), id())).collect();
    let mut pdf = Pdf::new();
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr("vi-VN"));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    pdf.document_info(info)
        .title(TextStr(&titles.join("; ")))
        .producer(TextStr("motcua"));
    pdf.pages(tree)
        .kids(page_ids.iter().map(|(page, _)| *page))
        .count(i32::try_from(page_ids.len()).unwrap_or(i32::MAX));
    let mut font_ids = Vec::new();
    for (used, (style, name)) in used.iter().zip(STYLES) {
        if !used.letters.is_empty() {
            let (font_id, parts) = (id(), [id(), id(), id(), id()]);
            embed(&mut pdf, fonts.of(style), used, font_id, parts)?;
            font_ids.push((name, font_id));
        }
    }
    for ((page_id, content_id), (page, content)) in page_ids.into_iter().zip(contents) {
        let mut leaf = pdf.page(page_id);
        leaf.parent(tree)
            .media_box(Rect::new(0.0, 0.0, page.width, page.height))
            .contents(content_id);
        let mut resources = leaf.resources();
        resources.fonts().pairs(font_ids.iter().copied());
        resources.finish();
        leaf.finish();
        stream(&mut pdf, content_id, &content);
    }
    Ok(pdf.finish())
}

/// The letters of one font that the paper uses.
struct Used {
    style: Style,
    remapper: GlyphRemapper,
    /// By the glyph's number in the subset.
    letters: BTreeMap<u16, char>,
}

impl Used {
    fn new(style: Style) -> Self {
        Self {
            style,
            remapper: GlyphRemapper::new(),
            letters: BTreeMap::new(),
        }
    }

    fn glyph(&mut self, id: u16, character: char) -> u16 {
        let glyph = self.remapper.remap(id);
        // A space and a no-break space share a glyph: the plainer one is what reads out.
        self.letters
            .entry(glyph)
            .and_modify(|known| *known = (*known).min(character))
            .or_insert(character);
        glyph
    }
}

fn content(fonts: &Fonts, page: Page, items: &[Item], used: &mut [Used]) -> Vec<u8> {
    let mut content = Content::new();
    for item in items {
        match item {
            Item::Text { run, baseline } => {
                show(&mut content, fonts, run, page.height - baseline, used)
            }
            Item::Line {
                from,
                to,
                thickness,
            } => {
                content
                    .set_line_width(*thickness)
                    .move_to(round(from.0), round(page.height - from.1))
                    .line_to(round(to.0), round(page.height - to.1))
                    .stroke();
            }
            Item::Code {
                at,
                side,
                width,
                dark,
            } => {
                squares(
                    &mut content,
                    (at.0, page.height - at.1),
                    *side,
                    *width,
                    dark,
                );
            }
        }
    }
    content.finish().to_vec()
}

fn show(content: &mut Content, fonts: &Fonts, run: &Run, y: f32, used: &mut [Used]) {
    let font = fonts.of(run.style);
    let Some((at, used)) = used
        .iter_mut()
        .enumerate()
        .find(|(_, used)| used.style == run.style)
    else {
        return;
    };
    content
        .begin_text()
        .set_font(STYLES[at].1, run.size)
        .next_line(round(run.x), round(y));
    let mut shown = content.show_positioned();
    let mut items = shown.items();
    let mut bytes = Vec::new();
    for character in run.text.chars() {
        let glyph = font.glyph(character);
        bytes.extend_from_slice(&used.glyph(glyph.id, glyph.character).to_be_bytes());
        if character == ' ' && run.stretch > 0.0 {
            items.show(Str(&bytes));
            // In thousandths of the size, against the direction of writing.
            items.adjust(round(-run.stretch / run.size * 1000.0));
            bytes.clear();
        }
    }
    if !bytes.is_empty() {
        items.show(Str(&bytes));
    }
    items.finish();
    shown.finish();
    content.end_text();
}

/// Dark modules that touch are one rectangle, so that no printer leaves hairlines between them.
fn squares(content: &mut Content, at: (f32, f32), side: f32, width: usize, dark: &[bool]) {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a code is 177 modules wide at most"
    )]
    let of = |modules: usize| side * modules as f32 / width as f32;
    for (y, row) in dark.chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(|a, b| a == b) {
            if run[0] {
                content.rect(
                    round(at.0 + of(x)),
                    round(at.1 - of(y + 1)),
                    of(run.len()),
                    of(1),
                );
            }
            x += run.len();
        }
    }
    content.fill_nonzero();
}

fn embed(
    pdf: &mut Pdf,
    font: &Font,
    used: &Used,
    id: Ref,
    [cid, descriptor, file, cmap]: [Ref; 4],
) -> Result<(), subsetter::Error> {
    let data = subsetter::subset(font.data, 0, &used.remapper)?;
    let base = format!("{}+{}", tag(used), font.name);
    let base = Name(base.as_bytes());
    let face = &font.face;
    let thousandths = |units: i16| f32::from(units) * 1000.0 / f32::from(face.units_per_em());

    pdf.type0_font(id)
        .base_font(base)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(cid)
        .to_unicode(cmap);
    let mut writer = pdf.cid_font(cid);
    writer
        .subtype(CidFontType::Type2)
        .base_font(base)
        .system_info(IDENTITY)
        .font_descriptor(descriptor)
        .default_width(0.0)
        .cid_to_gid_map_predefined(Name(b"Identity"));
    writer.widths().consecutive(
        0,
        used.remapper
            .remapped_gids()
            .map(|old| round(font.advance(old) * 1000.0)),
    );
    writer.finish();
    let bounds = face.global_bounding_box();
    let italic = if used.style == Style::Italic {
        FontFlags::ITALIC
    } else {
        FontFlags::empty()
    };
    pdf.font_descriptor(descriptor)
        .name(base)
        .flags(FontFlags::SERIF | FontFlags::SYMBOLIC | italic)
        .bbox(Rect::new(
            thousandths(bounds.x_min),
            thousandths(bounds.y_min),
            thousandths(bounds.x_max),
            thousandths(bounds.y_max),
        ))
        .italic_angle(face.italic_angle())
        .ascent(thousandths(face.ascender()))
        .descent(thousandths(face.descender()))
        .cap_height(thousandths(face.capital_height().unwrap_or_default()))
        .stem_v(if used.style == Style::Bold {
            140.0
        } else {
            80.0
        })
        .font_file2(file);
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(&data, LEVEL);
    let mut writer = pdf.stream(file, &packed);
    writer.filter(Filter::FlateDecode);
    writer.pair(
        Name(b"Length1"),
        i32::try_from(data.len()).unwrap_or(i32::MAX),
    );
    writer.finish();
    let mut unicode = UnicodeCmap::new(Name(b"Letters"), IDENTITY);
    for (glyph, character) in &used.letters {
        unicode.pair(*glyph, *character);
    }
    stream(pdf, cmap, &unicode.finish());
    Ok(())
}

fn stream(pdf: &mut Pdf, id: Ref, data: &[u8]) {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(data, LEVEL);
    pdf.stream(id, &packed).filter(Filter::FlateDecode);
}

/// Six capitals that tell one subset from another, made from what is in it.
fn tag(used: &Used) -> String {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for character in used.letters.values() {
        hash = (hash ^ u64::from(u32::from(*character))).wrapping_mul(0x0100_0000_01b3);
    }
    (0..6)
        .map(|place| {
            let letter = u8::try_from(hash / 26_u64.pow(place) % 26).unwrap_or_default();
            char::from(b'A' + letter)
        })
        .collect()
}

/// A hundredth of a point is finer than any printer; more digits only make the file longer.
fn round(value: f32) -> f32 {
    (value * 100.0).round() / 100.0
}

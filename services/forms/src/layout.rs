//! Puts a paper's blocks onto pages: what stands where, in points from the top left corner.

use crate::{
    blocks::{Block, Code, Document, Paragraph, Style, Table},
    font::Fonts,
    form::Sheet,
    lines::{self, ASCENT, LEADING, Run},
    pages::{self, Cell, Piece, Row},
};

/// The measures of a page, in points.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) left: f32,
    pub(crate) right: f32,
    pub(crate) top: f32,
    pub(crate) bottom: f32,
}

impl Page {
    /// Decree 30/2020: 20 mm above and below, 30 mm left for binding, 15 mm right. A5 is not in the decree, and a
    /// register is bound at its upper edge.
    pub(crate) fn of(sheet: Sheet, landscape: bool) -> Self {
        let mm = 72.0 / 25.4;
        let (width, height) = match sheet {
            Sheet::A4 => (210.0 * mm, 297.0 * mm),
            Sheet::A5 => (148.0 * mm, 210.0 * mm),
        };
        let (top, right, bottom, left) = match (sheet, landscape) {
            (Sheet::A4, false) => (20.0, 15.0, 20.0, 30.0),
            (Sheet::A4, true) => (20.0, 15.0, 15.0, 15.0),
            (Sheet::A5, _) => (9.0, 8.0, 11.0, 12.0),
        };
        let (width, height) = if landscape {
            (height, width)
        } else {
            (width, height)
        };
        Self {
            width,
            height,
            left: left * mm,
            right: right * mm,
            top: top * mm,
            bottom: bottom * mm,
        }
    }

    const fn inner_width(&self) -> f32 {
        self.width - self.left - self.right
    }

    /// Where the last line must have ended.
    pub(crate) const fn end(&self) -> f32 {
        self.height - self.bottom
    }
}

/// Something on a page.
#[derive(Clone)]
pub(crate) enum Item {
    /// Text, and where its baseline is.
    Text { run: Run, baseline: f32 },
    /// A line from one point to another.
    Line {
        from: (f32, f32),
        to: (f32, f32),
        thickness: f32,
    },
    /// A QR code and its upper left corner.
    Code {
        at: (f32, f32),
        side: f32,
        width: usize,
        dark: Vec<bool>,
    },
}

impl Item {
    pub(crate) fn moved(mut self, x: f32, y: f32) -> Self {
        match &mut self {
            Self::Text { run, baseline } => {
                run.x += x;
                *baseline += y;
            }
            Self::Line { from, to, .. } => {
                *from = (from.0 + x, from.1 + y);
                *to = (to.0 + x, to.1 + y);
            }
            Self::Code { at, .. } => *at = (at.0 + x, at.1 + y),
        }
        self
    }
}

/// Between a paragraph and the line beneath it.
const RULE_GAP: f32 = 2.0;
const FOOT_SIZE: f32 = 10.0;

/// The items of each page.
pub(crate) fn lay(fonts: &Fonts, document: &Document, sheet: Sheet) -> Vec<Vec<Item>> {
    let page = Page::of(sheet, document.landscape);
    let mut heads = Vec::new();
    let mut rows = Vec::new();
    for block in &document.blocks {
        match block {
            Block::Table(table) => {
                heads.push(row(fonts, table, &table.head, page.inner_width(), None));
                let head = heads.len() - 1;
                let mut first = row(fonts, table, &table.head, page.inner_width(), None);
                first.keep = !table.rows.is_empty();
                rows.push(first);
                rows.extend(
                    table
                        .rows
                        .iter()
                        .map(|cells| row(fonts, table, cells, page.inner_width(), Some(head))),
                );
                if let Some(last) = rows.last_mut() {
                    last.after = table.after;
                }
            }
            Block::Columns(columns) => {
                let mut x = 0.0;
                let mut cells = Vec::new();
                for (share, blocks) in columns.widths.iter().zip(&columns.columns) {
                    let width = share * page.inner_width();
                    cells.push(Cell {
                        x,
                        width,
                        pieces: blocks
                            .iter()
                            .flat_map(|block| pieces(fonts, block, width))
                            .collect(),
                    });
                    x += width;
                }
                rows.push(Row {
                    cells,
                    before: columns.before,
                    keep: columns.keep,
                    ..Row::plain()
                });
            }
            Block::Paragraph(paragraph) => {
                let cell = Cell {
                    x: 0.0,
                    width: page.inner_width(),
                    pieces: text(fonts, paragraph, page.inner_width()),
                };
                rows.push(Row {
                    cells: vec![cell],
                    before: paragraph.before,
                    after: paragraph.after,
                    keep: paragraph.keep,
                    free: true,
                    ..Row::plain()
                });
            }
            Block::Code(_) | Block::Gap(_) => {
                let cell = Cell {
                    x: 0.0,
                    width: page.inner_width(),
                    pieces: pieces(fonts, block, page.inner_width()),
                };
                rows.push(Row {
                    cells: vec![cell],
                    // A blank belongs to what follows it.
                    keep: matches!(block, Block::Gap(_)),
                    ..Row::plain()
                });
            }
        }
    }
    let mut pages = pages::place(page, heads, rows);
    number(fonts, document, page, &mut pages);
    pages
}

fn row(fonts: &Fonts, table: &Table, cells: &[Paragraph], width: f32, head: Option<usize>) -> Row {
    let mut x = 0.0;
    let cells = table
        .widths
        .iter()
        .zip(cells)
        .map(|(share, paragraph)| {
            let cell = Cell {
                x,
                width: share * width,
                pieces: text(fonts, paragraph, share * width - 2.0 * table.padding),
            };
            x += cell.width;
            cell
        })
        .collect();
    Row {
        cells,
        padding: table.padding,
        head,
        ..Row::plain()
    }
}

/// What a block in a column consists of.
fn pieces(fonts: &Fonts, block: &Block, width: f32) -> Vec<Piece> {
    let blank = |height| Piece {
        height,
        items: Vec::new(),
    };
    match block {
        Block::Paragraph(paragraph) => {
            let mut pieces = vec![blank(paragraph.before)];
            pieces.extend(text(fonts, paragraph, width));
            pieces.push(blank(paragraph.after));
            pieces
        }
        Block::Code(code) => vec![drawn(code, width)],
        Block::Gap(height) => vec![blank(*height)],
        // `blocks` reads no such thing in a column.
        Block::Columns(_) | Block::Table(_) => Vec::new(),
    }
}

fn drawn(code: &Code, width: f32) -> Piece {
    let side = code.side.min(width);
    let at = ((width - side) / 2.0, 0.0);
    Piece {
        height: side,
        items: vec![Item::Code {
            at,
            side,
            width: code.width,
            dark: code.dark.clone(),
        }],
    }
}

fn text(fonts: &Fonts, paragraph: &Paragraph, width: f32) -> Vec<Piece> {
    let lines = lines::set(fonts, paragraph, width);
    let longest = lines.iter().map(|line| line.width).fold(0.0, f32::max);
    let mut pieces: Vec<Piece> = lines
        .into_iter()
        .map(|line| Piece {
            height: paragraph.size * LEADING,
            items: line
                .runs
                .into_iter()
                .map(|run| Item::Text {
                    run,
                    baseline: paragraph.size * ASCENT,
                })
                .collect(),
        })
        .collect();
    if let (Some(share), Some(last)) = (paragraph.rule, pieces.last_mut()) {
        let half = longest * share.min(1.0) / 2.0;
        let y = last.height + RULE_GAP;
        let (from, to) = ((width / 2.0 - half, y), (width / 2.0 + half, y));
        last.items.push(Item::Line {
            from,
            to,
            thickness: 0.7,
        });
        last.height = y + RULE_GAP;
    }
    pieces
}

/// "Trang 1/2" in the lower margin, where there is more than one page.
fn number(fonts: &Fonts, document: &Document, page: Page, pages: &mut [Vec<Item>]) {
    let count = pages.len();
    if count < 2 {
        return;
    }
    for (at, items) in pages.iter_mut().enumerate() {
        let short = format!("Trang {}/{count}", at + 1);
        let long = format!("{} · {short}", document.foot);
        let fits = |text: &str| fonts.width(Style::Regular, FOOT_SIZE, text) <= page.inner_width();
        let text = if !document.foot.is_empty() && fits(&long) {
            long
        } else {
            short
        };
        let width = fonts.width(Style::Regular, FOOT_SIZE, &text);
        let run = Run {
            x: page.left + (page.inner_width() - width) / 2.0,
            width,
            style: Style::Regular,
            size: FOOT_SIZE,
            text,
            stretch: 0.0,
        };
        items.push(Item::Text {
            run,
            baseline: page.height - page.bottom / 2.0,
        });
    }
}

#!/usr/bin/env python3
"""Reads the drawn forms with poppler, and fails where it finds other words than the golden files have.

    pdf_text.py PDFS GOLDEN [--every-version]

The crate's tests read its PDFs with a reader that was written for them. This one was not, and draws them too:

- neither pdftotext nor pdftoppm complains, and every font is embedded and has its letters' names;
- each page has the words of its golden page, each as often and none besides, composed (NFC) as they come out;
- those with marks come in the golden order: lines from top to bottom, each from left to right;
- no page is blank, and wherever a word reads out there is ink, without a gap as wide as an "o" (an "í" or a lost mark shows no gap).

PDFS is what the example `draw` writes: `mau01-3-A5.pdf` is compared with `mau01-3-a5.txt`, `mau01-3-A4.pdf` with
`mau01-3.txt`, and `longest-*.pdf` with nothing. The newest golden file of every form must have its PDF, or with
`--every-version` each of them.
"""

import argparse
import collections
import html
import pathlib
import re
import subprocess
import sys
import unicodedata

# At 40 a letter that is not drawn is too small to be missed.
DPI = 60
# From 0 for black to 255 for the paper: a hair of a letter is light grey at that resolution.
INK = 250
# The widest blank inside a word, in parts of its height: 0.18 in what is right, above 0.3 where an "ồ" is not drawn.
GAP = 0.3
WORD = re.compile(r'<word xMin="(.*?)" yMin="(.*?)" xMax="(.*?)" yMax="(.*?)">(.*?)</word>')


def run(faults, name, *command):
    """What a tool writes. Whatever it complains of is a fault: it repairs silently enough."""
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    complaint = done.stderr.decode(errors="replace").strip()
    if done.returncode or complaint:
        faults.append(f"{name}: {command[0]} ends with {done.returncode}: {complaint or 'no word'}")
    return done.stdout


def golden_name(pdf):
    """`mau01-3` and `A5` as `mau01-3-a5.txt`; None for what has no golden file."""
    found = re.fullmatch(r"((?:mau|ct)\d+-\d+)-(A4|A5)", pdf.stem)
    return found and found[1] + ("-a5.txt" if found[2] == "A5" else ".txt")


def marked(words):
    return [word for word in words if any(ord(letter) > 127 and letter.isalpha() for letter in word)]


def compare(faults, name, golden, text):
    """Each page's words, then the order of those with marks."""
    # pdftotext ends each page with a form feed.
    wanted, found = golden.split("\n---\n"), text.split("\f")[:-1]
    if len(wanted) != len(found):
        faults.append(f"{name}: {len(found)} pages, and must be {len(wanted)}")
    for page, (want, have) in enumerate(zip(wanted, found), 1):
        want, have = want.split(), have.split()
        counts = collections.Counter(have)
        counts.subtract(want)
        lost = [word for word, count in counts.items() if count < 0]
        more = [word for word, count in counts.items() if count > 0]
        if lost or more:
            faults.append(f"{name}, page {page}: not read: {' '.join(lost)}; read besides: {' '.join(more)}")
        # The golden file is read on from where the last word was found.
        rest = iter(marked(have))
        late = next((word for word in marked(want) if not any(word == other for other in rest)), None)
        if late and not lost:
            faults.append(f"{name}, page {page}: '{late}' is read before what it must follow")


def pictures(data):
    """Width, height and pixels of each picture: PGMs one after another."""
    at = 0
    while head := re.compile(rb"P5\s+(\d+)\s+(\d+)\s+255\s").match(data, at):
        width, height = int(head[1]), int(head[2])
        at = head.end() + width * height
        yield width, height, data[head.end() : at]


def look(faults, name, boxes, drawn):
    """Ink on each page, and under each word. Returns the number of pages."""
    boxes = boxes.split("<page ")[1:]
    drawn = list(pictures(drawn))
    if not drawn or len(boxes) != len(drawn):
        faults.append(f"{name}: {len(drawn)} pages are drawn and {len(boxes)} read")
    for page, (box, (width, height, pixels)) in enumerate(zip(boxes, drawn), 1):
        if min(pixels) >= INK:
            faults.append(f"{name}, page {page}: blank")
            continue
        bare = []
        for *edges, word in WORD.findall(box):
            left, top, right, bottom = (float(edge) * DPI / 72 for edge in edges)
            rows = [pixels[y * width : (y + 1) * width] for y in range(int(top), min(int(bottom) + 1, height))]
            inked = "".join(" #"[min(row[x] for row in rows) < INK] for x in range(int(left), min(int(right) + 1, width)))
            if max(map(len, inked.split("#"))) > GAP * (bottom - top) or "#" not in inked:
                bare.append(html.unescape(word))
        if bare:
            faults.append(f"{name}, page {page}: not drawn, or not whole: {' '.join(bare[:20])}")
    return len(drawn)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("pdfs", type=pathlib.Path)
    arguments.add_argument("golden", type=pathlib.Path)
    arguments.add_argument("--every-version", action="store_true")
    given = arguments.parse_args()

    faults, pages, compared = [], 0, set()
    pdfs = sorted(given.pdfs.glob("*.pdf"))
    kept = {path.name: path for path in given.golden.glob("*.txt")}
    for pdf in pdfs:
        name, file = pdf.name, str(pdf)
        text = run(faults, name, "pdftotext", "-enc", "UTF-8", "-layout", file, "-").decode()
        if text != unicodedata.normalize("NFC", text):
            faults.append(f"{name}: letters come out decomposed")
        golden = golden_name(pdf)
        if golden in kept:
            compared.add(golden)
            compare(faults, name, unicodedata.normalize("NFC", kept[golden].read_text(encoding="utf-8")), text)
        elif golden:
            faults.append(f"{name}: there is no {golden}")
        # name, type, encoding, and then: emb sub uni object ID
        for font in run(faults, name, "pdffonts", file).decode().splitlines()[2:]:
            if font.split()[-5:-2] != ["yes", "yes", "yes"]:
                faults.append(f"{name}: a font is not embedded as a subset with its letters: {font}")
        boxes = run(faults, name, "pdftotext", "-enc", "UTF-8", "-bbox", file, "-").decode()
        pages += look(faults, name, boxes, run(faults, name, "pdftoppm", "-gray", "-r", str(DPI), file))

    newest = {}
    for golden in kept:
        form, version, sheet = re.fullmatch(r"(\w+)-(\d+)(-a5)?\.txt", golden).groups()
        newest[form, sheet] = max(newest.get((form, sheet), (0, "")), (int(version), golden))
    must = set(kept) if given.every_version else {golden for _, golden in newest.values()}
    faults += [f"{golden}: no PDF to compare it with" for golden in sorted(must - compared)]
    if not kept:
        faults.append(f"{given.golden}: no golden files")

    print(f"{len(pdfs)} PDFs of {pages} pages read and drawn by poppler, {len(compared)} of {len(kept)} golden files compared")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

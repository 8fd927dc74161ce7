//! What of a user's text reaches paper.

use unicode_normalization::UnicodeNormalization;

/// The text composed (NFC), because fonts draw composed Vietnamese letters best and because a name typed on one system
/// must look and be found like the same name typed on another; without control characters and without those that are
/// invisible or turn the direction of writing, with which a paper could be made to read other than it says.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|character| match character {
            '\n' | '\t' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
            _ if character.is_control() || is_invisible(character) => None,
            _ => Some(character),
        })
        .nfc()
        .collect()
}

fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decomposed_letters_are_composed() {
        assert_eq!(
            clean("Nguye\u{302}\u{303}n Thi\u{323} Hu\u{31b}\u{301}a"),
            "Nguyễn Thị Hứa"
        );
    }

    #[test]
    fn nothing_invisible_stays() {
        assert_eq!(
            clean("a\u{0}b\u{7}c\u{202e}d\u{200b}e\nf\u{feff}"),
            "abcde f"
        );
    }
}

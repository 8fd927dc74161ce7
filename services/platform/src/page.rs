//! Pages by key: an opaque token names the last row of the page before, so that pages stay right while others write.

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    hex::{hex, unhex},
    parse::Fields,
};

/// Rows in a page when the caller does not say.
const DEFAULT_ROWS: i64 = 50;
/// Rows in a page at most; more is coerced.
const ROWS_MAX: i64 = 1_000;
/// A page also ends here, so that it fits a message.
const PAGE_BYTES_MAX: usize = 2 << 20;

/// How many rows to fetch.
pub fn size(fields: &mut Fields, page_size: i32) -> Option<i64> {
    match page_size {
        ..0 => {
            fields.reject("page_size", "must not be negative");
            None
        }
        0 => Some(DEFAULT_ROWS),
        n => Some(i64::from(n).min(ROWS_MAX)),
    }
}

/// The key after which the page begins; `None` inside for the first page.
pub fn key<K: DeserializeOwned>(fields: &mut Fields, token: &str) -> Option<Option<K>> {
    if token.is_empty() {
        return Some(None);
    }
    let key = unhex(token).and_then(|bytes| serde_json::from_slice(&bytes).ok());
    if key.is_none() {
        fields.reject(
            "page_token",
            "is not a token of this list; take next_page_token as it came",
        );
    }
    key.map(Some)
}

/// Cuts what was fetched, one row more than asked for, into a page and the token for the next.
pub fn cut<T: prost::Message, K: Serialize>(
    mut rows: Vec<T>,
    size: i64,
    key: impl Fn(&T) -> K,
) -> (Vec<T>, String) {
    let mut bytes = 0;
    let fitting = rows
        .iter()
        .take(usize::try_from(size).unwrap_or(usize::MAX))
        .take_while(|row| {
            bytes += row.encoded_len();
            bytes <= PAGE_BYTES_MAX
        })
        .count()
        // A single row larger than a page still comes, alone.
        .max(1);
    let more = rows.len() > fitting;
    rows.truncate(fitting);
    let token = match rows.last() {
        Some(last) if more => token(&key(last)),
        _ => String::new(),
    };
    (rows, token)
}

/// The token of a page that goes on after this key.
#[must_use]
pub fn token<K: Serialize>(key: &K) -> String {
    serde_json::to_vec(key)
        .map(|bytes| hex(&bytes))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_token_and_others_lead_on() {
        let rows = || vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let (page, token) = cut(rows(), 2, String::clone);
        assert_eq!(page, ["a", "b"]);
        let mut fields = Fields::new();
        assert_eq!(
            key::<String>(&mut fields, &token),
            Some(Some("b".to_owned()))
        );
        let (page, token) = cut(rows(), 3, String::clone);
        assert_eq!((page.len(), token.as_str()), (3, ""));
        assert_eq!(key::<String>(&mut fields, "zz"), None);
        assert_eq!(key::<String>(&mut fields, "é"), None);
    }
}

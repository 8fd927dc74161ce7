//! Reads what a filled template says: elements, attributes and text, nothing else of XML.
//!
//! What a user wrote comes here escaped, so it is always text: it can neither open an element nor end an attribute.

use crate::clean::clean;

/// An element and what stands in it.
#[derive(Debug, PartialEq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) children: Vec<Node>,
}

/// What stands in an element.
#[derive(Debug, PartialEq)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// A number that a template's author wrote.
    pub(crate) fn number(&self, name: &str, default: f32) -> Result<f32, String> {
        match self.attribute(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .ok()
                .filter(|number: &f32| number.is_finite() && *number >= 0.0)
                .ok_or_else(|| format!("attribute {name} of <{}> is no number", self.name)),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.attribute(name) == Some("yes")
    }

    /// The elements in it; text between them other than blanks is a mistake.
    pub(crate) fn elements(&self) -> Result<Vec<&Element>, String> {
        let mut elements = Vec::new();
        for child in &self.children {
            match child {
                Node::Element(element) => elements.push(element),
                Node::Text(text) if text.trim().is_empty() => {}
                Node::Text(_) => return Err(format!("text stands directly in <{}>", self.name)),
            }
        }
        Ok(elements)
    }
}

/// The one element that the source consists of.
pub(crate) fn parse(source: &str) -> Result<Element, String> {
    let mut open: Vec<Element> = Vec::new();
    let mut rest = source.trim();
    loop {
        let Some(start) = rest.find('<') else {
            return Err("the source ends inside an element".to_owned());
        };
        let (text, tag) = rest.split_at(start);
        match open.last_mut() {
            Some(element) if !text.is_empty() => {
                element.children.push(Node::Text(clean(&unescape(text))))
            }
            None if !text.trim().is_empty() => {
                return Err("text stands before the first element".to_owned());
            }
            _ => {}
        }
        let Some(end) = tag.find('>') else {
            return Err("a tag has no end".to_owned());
        };
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        let done = if let Some(name) = inside.strip_prefix('/') {
            let element = open
                .pop()
                .ok_or_else(|| format!("</{name}> closes nothing"))?;
            if element.name != name {
                return Err(format!("</{name}> closes <{}>", element.name));
            }
            element
        } else if let Some(inside) = inside.strip_suffix('/') {
            begin(inside)?
        } else {
            open.push(begin(inside)?);
            continue;
        };
        match open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(done)),
            None if rest.is_empty() => return Ok(done),
            None => return Err("something stands after the last element".to_owned()),
        }
    }
}

/// `name a="1" b="2"`.
fn begin(inside: &str) -> Result<Element, String> {
    let (name, mut rest) = inside
        .split_once(char::is_whitespace)
        .unwrap_or((inside, ""));
    let mut element = Element {
        name: name.to_owned(),
        attributes: Vec::new(),
        children: Vec::new(),
    };
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(element);
        }
        let wrong = || format!("the attributes of <{name}> cannot be read");
        let (key, after) = rest.split_once("=\"").ok_or_else(wrong)?;
        let (value, after) = after.split_once('"').ok_or_else(wrong)?;
        element
            .attributes
            .push((key.to_owned(), clean(&unescape(value))));
        rest = after;
    }
}

/// Takes back what the template engine escaped. An ampersand that begins nothing known stays as it is.
fn unescape(text: &str) -> String {
    const KNOWN: [(&str, char); 6] = [
        ("&lt;", '<'),
        ("&gt;", '>'),
        ("&amp;", '&'),
        ("&quot;", '"'),
        ("&#x27;", '\''),
        ("&#x2f;", '/'),
    ];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match KNOWN.iter().find(|(escaped, _)| rest.starts_with(escaped)) {
            Some((escaped, plain)) => {
                out.push(*plain);
                rest = &rest[escaped.len()..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_text_are_read() {
        let form = parse("<form a=\"1\" b=\"x &quot;y&quot;\">\n<p>Một <b>hai</b> &lt;ba&gt; &amp;lt;<br/></p></form>").unwrap();
        assert_eq!(form.attribute("b"), Some("x \"y\""));
        assert_eq!(form.number("a", 0.0), Ok(1.0));
        let p = form.elements().unwrap()[0];
        assert_eq!(p.children[0], Node::Text("Một ".to_owned()));
        assert_eq!(p.children[2], Node::Text(" <ba> &lt;".to_owned()));
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for wrong in [
            "",
            "text",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/>b",
            "<a",
            "<a b></a>",
            "<a b=\"></a>",
            "<a/><a/>",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(parse("<a>x<b/></a>").unwrap().elements().is_err());
        assert!(parse("<a n=\"-1\"/>").unwrap().number("n", 0.0).is_err());
    }
}

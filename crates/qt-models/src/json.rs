//! A pull reader of JSON: the caller asks for what should come, the rest is refused with its byte.

use std::borrow::Cow;

use crate::error::{Error, shown};

/// Objects and arrays inside one another.
const MAX_DEPTH: usize = 32;

/// Reads a text from front to back.
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Byte of what comes next.
    pub fn at(&mut self) -> usize {
        while self.byte().is_some_and(|b| b.is_ascii_whitespace()) {
            self.at += 1;
        }
        self.at
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek(&mut self) -> Option<u8> {
        self.at();
        self.byte()
    }

    /// The error that something else was expected here.
    pub fn wrong(&mut self, expected: &str) -> Error {
        let at = self.at();
        let rest = self.text.get(at..).unwrap_or_default();
        let found = if rest.is_empty() { "the end".into() } else { shown(rest) };
        Error::byte(at, format!("{found} where {expected} was expected"))
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Values between two brackets, each read by `each`.
    fn sequence(
        &mut self,
        [open, close]: [u8; 2],
        what: &str,
        mut each: impl FnMut(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if !self.accept(open) {
            return Err(self.wrong(what));
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Error::byte(self.at, format!("more than {MAX_DEPTH} levels")));
        }
        if !self.accept(close) {
            loop {
                each(self)?;
                if self.accept(close) {
                    break;
                }
                if !self.accept(b',') {
                    return Err(self.wrong("a comma or the end of the list"));
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// An object; `each` reads the value of a key.
    pub fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, &str) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut keys: Vec<Cow<'a, str>> = Vec::new();
        self.sequence(*b"{}", "an object", |reader| {
            let at = reader.at();
            let key = reader.string()?;
            if keys.contains(&key) {
                return Err(Error::byte(at, format!("{} appears twice", shown(&key))));
            }
            if keys.len() == 4096 {
                return Err(Error::byte(at, "more than 4096 keys in one object"));
            }
            if !reader.accept(b':') {
                return Err(reader.wrong("a colon"));
            }
            each(reader, &key)?;
            keys.push(key);
            Ok(())
        })
    }

    /// An array; `each` reads an element.
    pub fn array(&mut self, each: impl FnMut(&mut Self) -> Result<(), Error>) -> Result<(), Error> {
        self.sequence(*b"[]", "an array", each)
    }

    /// An array of values that `one` reads.
    pub fn list<T>(&mut self, one: impl Fn(&mut Self) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let mut list = Vec::new();
        self.array(|reader| {
            list.push(one(reader)?);
            Ok(())
        })?;
        Ok(list)
    }

    /// A string without surrogate escapes, which no model needs.
    pub fn string(&mut self) -> Result<Cow<'a, str>, Error> {
        if !self.accept(b'"') {
            return Err(self.wrong("a string"));
        }
        let start = self.at;
        let mut owned = String::new();
        let mut from = start;
        loop {
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => {
                    owned.push_str(&self.text[from..self.at]);
                    owned.push(self.escape()?);
                    from = self.at;
                }
                Some(b) if b >= 0x20 => self.at += 1,
                _ => return Err(Error::byte(start, "a string does not end")),
            }
        }
        let last = &self.text[from..self.at];
        self.at += 1;
        Ok(if from == start { Cow::Borrowed(last) } else { Cow::Owned(owned + last) })
    }

    fn escape(&mut self) -> Result<char, Error> {
        let at = self.at;
        let wrong = || Error::byte(at, "an escape that is not known");
        let kind = self.text.as_bytes().get(at + 1).copied().ok_or_else(wrong)?;
        self.at += 2;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'u' => {
                let digits = self.text.get(at + 2..at + 6).ok_or_else(wrong)?;
                self.at += 4;
                u32::from_str_radix(digits, 16).ok().and_then(char::from_u32).ok_or_else(wrong)?
            }
            _ => return Err(wrong()),
        })
    }

    /// A number as it is written, or a word such as `true`.
    fn scalar(&mut self) -> &'a str {
        let start = self.at();
        let belongs = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
        while self.byte().is_some_and(belongs) {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    /// A number of this type.
    pub fn number<T: std::str::FromStr>(&mut self) -> Result<T, Error> {
        let at = self.at();
        let text = self.scalar();
        text.parse().map_err(|_| {
            self.at = at;
            self.wrong("a number of its range")
        })
    }

    /// `true`, `false`, 1 or 0.
    pub fn truth(&mut self) -> Result<bool, Error> {
        let at = self.at();
        match self.scalar() {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => {
                self.at = at;
                Err(self.wrong("true or false"))
            }
        }
    }

    /// Passes over a value.
    pub fn skip(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b'{') => self.object(|reader, _| reader.skip()),
            Some(b'[') => self.array(Self::skip),
            Some(b'"') => self.string().map(|_| ()),
            _ if self.scalar().is_empty() => Err(self.wrong("a value")),
            _ => Ok(()),
        }
    }

    /// Nothing may follow.
    pub fn end(&mut self) -> Result<(), Error> {
        if self.peek().is_none() { Ok(()) } else { Err(self.wrong("the end")) }
    }
}

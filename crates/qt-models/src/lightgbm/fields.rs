//! Lines of `key=value`, each with its number.

use std::str::FromStr;

use crate::error::{Error, shown};

/// Lines of a text, 1-based, with the byte where each begins.
pub struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: usize,
}

impl<'a> Lines<'a> {
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 0 }
    }

    /// Byte where the next line begins.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Number of the line last read.
    pub fn line(&self) -> usize {
        self.line
    }

    pub fn next(&mut self) -> Option<(usize, &'a str)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let line = rest.split_once('\n').map_or(rest, |(line, _)| line);
        self.at = (self.at + line.len() + 1).min(self.text.len());
        self.line += 1;
        Some((self.line, line.strip_suffix('\r').unwrap_or(line)))
    }

    /// The next line that is not blank, and where it begins: a tree's heading, or the end of the trees.
    pub fn heading(&mut self) -> Result<(usize, (usize, &'a str)), Error> {
        loop {
            let start = self.at;
            match self.next() {
                Some((_, "")) => {}
                Some(found) => return Ok((start, found)),
                None => return Err(Error::line(self.line, "the text ends before `end of trees`")),
            }
        }
    }
}

/// The value of a key.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    pub line: usize,
    pub key: &'a str,
    pub value: &'a str,
}

impl<'a> Field<'a> {
    pub fn words(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.value.split(' ').filter(|word| !word.is_empty())
    }

    pub fn number<T: FromStr>(&self) -> Result<T, Error> {
        self.value.parse().map_err(|_| self.wrong("a number was expected"))
    }

    pub fn numbers<T: FromStr>(&self) -> Result<Vec<T>, Error> {
        let parse = |word: &str| {
            word.parse()
                .map_err(|_| Error::line(self.line, format!("{} is no number of {}", shown(word), self.key)))
        };
        self.words().map(parse).collect()
    }

    pub fn empty(&self) -> Result<(), Error> {
        if self.value.is_empty() { Ok(()) } else { Err(self.wrong("a tree of one leaf has none")) }
    }

    /// The error that this value is not the expected one.
    pub fn wrong(&self, expected: &str) -> Error {
        Error::line(self.line, format!("{}={}: {expected}", self.key, shown(self.value)))
    }
}

/// Lines of `key=value` up to a blank line; what is taken out is known, what is left over is not.
pub struct Fields<'a> {
    start: usize,
    fields: Vec<(Field<'a>, bool)>,
}

impl<'a> Fields<'a> {
    /// Reads up to a blank line, and over the blank lines behind it.
    pub fn read(lines: &mut Lines<'a>) -> Result<Self, Error> {
        let (start, mut fields) = (lines.line(), Vec::<(Field<'a>, bool)>::new());
        while let Some((line, text)) = lines.next() {
            if text.is_empty() {
                break;
            }
            let (key, value) = text.split_once('=').unwrap_or((text, ""));
            if fields.iter().any(|(field, _)| field.key == key) {
                return Err(Error::line(line, format!("{} appears twice", shown(key))));
            }
            if fields.len() == 64 {
                return Err(Error::line(line, "more than 64 keys without a blank line"));
            }
            fields.push((Field { line, key, value }, false));
        }
        while lines.text[lines.at..].starts_with('\n') {
            lines.next();
        }
        Ok(Self { start, fields })
    }

    pub fn optional(&mut self, key: &str) -> Option<Field<'a>> {
        let (field, taken) = self.fields.iter_mut().find(|(field, _)| field.key == key)?;
        *taken = true;
        Some(*field)
    }

    pub fn text(&mut self, key: &str) -> Result<Field<'a>, Error> {
        let start = self.start;
        self.optional(key).ok_or_else(|| Error::line(start, format!("`{key}` is missing in what follows")))
    }

    /// Whether a key without a value is there.
    pub fn flag(&mut self, key: &str) -> Result<bool, Error> {
        match self.optional(key) {
            None => Ok(false),
            Some(field) if field.value.is_empty() => Ok(true),
            Some(field) => Err(field.wrong("no value was expected")),
        }
    }

    pub fn number<T: FromStr>(&mut self, key: &str) -> Result<T, Error> {
        self.text(key)?.number()
    }

    /// A number of things, at least `least`.
    pub fn count(&mut self, key: &str, least: usize) -> Result<usize, Error> {
        let field = self.text(key)?;
        let count = field.number()?;
        if count < least { Err(field.wrong(&format!("at least {least} was expected"))) } else { Ok(count) }
    }

    /// Exactly `length` numbers.
    pub fn array<T: FromStr>(&mut self, key: &str, length: usize) -> Result<Vec<T>, Error> {
        let field = self.text(key)?;
        let numbers = field.numbers()?;
        if numbers.len() == length {
            return Ok(numbers);
        }
        Err(Error::line(field.line, format!("{key} has {} values, {length} belong there", numbers.len())))
    }

    /// Line of a key; that of the block when it has none.
    pub fn line(&self, key: &str) -> usize {
        self.fields.iter().find(|(field, _)| field.key == key).map_or(self.start, |(field, _)| field.line)
    }

    /// Refuses what was not taken.
    pub fn finish(self, place: &str) -> Result<(), Error> {
        match self.fields.iter().find(|(_, taken)| !taken) {
            None => Ok(()),
            Some((field, _)) => {
                Err(Error::line(field.line, format!("{} is no known key {place}", shown(field.key))))
            }
        }
    }
}

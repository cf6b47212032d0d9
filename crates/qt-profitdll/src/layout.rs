//! The form that every declaration takes in the tables.
//!
//! Types are the text of the Rust declaration, the string unit being `W`; [`Type::parse`] reads them.

use qt_core::event::Code;

/// Type of a field, an argument or a result, as languages other than Rust need to know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// No result.
    Void,
    /// An integer or a double by its Rust name.
    Scalar(&'static str),
    /// Wide text that goes in: `*const W`.
    Text,
    /// A buffer of the caller for wide text: `*mut W`.
    Buffer,
    /// Wide text inside the struct: `[W; INLINE_TEXT]`.
    Inline,
    /// A struct by value.
    Struct(String),
    /// A callback, which may be NULL.
    Callback(String),
    /// A pointer that names no type.
    Opaque,
    /// A pointer to a scalar or struct, and whether the library writes through it.
    Pointer(Box<Type>, bool),
}

impl Type {
    /// Reads the text of a Rust type. Spaces carry nothing: `stringify!` puts them where it likes.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text: String = text.split_whitespace().collect();
        let plain = |name: &str| name.trim_end_matches("<W>").to_owned();
        match text.as_str() {
            "()" => Self::Void,
            "*constW" => Self::Text,
            "*mutW" => Self::Buffer,
            "[W;INLINE_TEXT]" => Self::Inline,
            "*constc_void" | "*mutc_void" => Self::Opaque,
            "Chr" => Self::Scalar("u16"),
            "Bool" => Self::Scalar("i32"),
            "LParam" => Self::Scalar("isize"),
            other => {
                const SCALARS: [&str; 7] = ["u8", "u16", "i32", "u32", "i64", "f64", "isize"];
                if let Some(scalar) = SCALARS.iter().find(|s| **s == other) {
                    Self::Scalar(scalar)
                } else if let Some(to) = other.strip_prefix("*const") {
                    Self::Pointer(Box::new(Self::parse(to)), false)
                } else if let Some(to) = other.strip_prefix("*mut") {
                    Self::Pointer(Box::new(Self::parse(to)), true)
                } else if let Some(name) = other.strip_prefix("Option<").and_then(|o| o.strip_suffix('>')) {
                    Self::Callback(plain(name))
                } else {
                    Self::Struct(plain(other))
                }
            }
        }
    }
}

/// `i32`, `text`, `buffer`, `inline`, `TAssetIDRec`, `callback State`, `pointer`, `*f64` or `void`.
impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Void => f.write_str("void"),
            Self::Scalar(name) => f.write_str(name),
            Self::Text => f.write_str("text"),
            Self::Buffer => f.write_str("buffer"),
            Self::Inline => f.write_str("inline"),
            Self::Struct(name) => f.write_str(name),
            Self::Callback(name) => write!(f, "callback {name}"),
            Self::Opaque => f.write_str("pointer"),
            Self::Pointer(to, _) => write!(f, "*{to}"),
        }
    }
}

/// One field of a struct.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The vendor's name.
    pub name: &'static str,
    /// Rust type.
    pub ty: &'static str,
    /// Byte offset.
    pub offset: usize,
    /// Bytes.
    pub size: usize,
    /// First value of `Version` with which the field exists.
    pub since: u8,
    /// What it holds.
    pub doc: &'static str,
}

/// A struct of the ABI, for one width of the string unit.
pub trait Layout: Copy + Default {
    /// The vendor's name.
    const NAME: &'static str;
    /// What it is for.
    const DOC: &'static str;
    /// Every field, in memory order.
    const FIELDS: &'static [Field];
    /// Newest value of the `Version` byte.
    const VERSION: u8;

    /// Bytes that exist when the `Version` byte is `version`: neither side may touch what lies beyond. `None` when
    /// there is no such version (`NL_VERSION_NOT_SUPPORTED`).
    #[must_use]
    fn size_at(version: u8) -> Option<usize> {
        let last = Self::FIELDS.iter().rfind(|f| f.since <= version)?;
        (version <= Self::VERSION).then(|| (last.offset + last.size).next_multiple_of(align_of::<Self>()))
    }
}

/// A struct with its table, without its type.
#[derive(Debug, Clone, Copy)]
pub struct Struct {
    /// The vendor's name.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Every field, in memory order.
    pub fields: &'static [Field],
    /// Bytes.
    pub size: usize,
    /// Alignment in bytes.
    pub align: usize,
    /// Newest value of the `Version` byte.
    pub version: u8,
    /// Bytes by version.
    pub size_at: fn(u8) -> Option<usize>,
}

impl Struct {
    /// The table of one type.
    #[must_use]
    pub fn of<T: Layout>() -> Self {
        Self {
            name: T::NAME,
            doc: T::DOC,
            fields: T::FIELDS,
            size: size_of::<T>(),
            align: align_of::<T>(),
            version: T::VERSION,
            size_at: T::size_at,
        }
    }
}

/// One argument of a callback or function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arg {
    /// Name.
    pub name: &'static str,
    /// Rust type.
    pub ty: &'static str,
}

/// A function of the client that the library calls.
#[derive(Debug, Clone, Copy)]
pub struct Callback {
    /// Name of its type.
    pub name: &'static str,
    /// Arguments.
    pub args: &'static [Arg],
    /// Rust type of the result, `()` for none.
    pub ret: &'static str,
    /// First library version that has it; empty where no vendor text says.
    pub since: &'static str,
    /// When it is called and what it carries.
    pub doc: &'static str,
}

/// Standing of an exported function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Documented.
    Current,
    /// Documented as deprecated, or superseded by a v4 function.
    Legacy,
    /// Declared in the vendor's wrapper and absent from the manual: do not depend on it.
    Undocumented,
}

/// A function that the library exports.
#[derive(Debug, Clone, Copy)]
pub struct Export {
    /// Name of the symbol.
    pub name: &'static str,
    /// `session`, `setters`, `market`, `orders` or `legacy_orders`.
    pub group: &'static str,
    /// Arguments.
    pub args: &'static [Arg],
    /// Rust type of the result.
    pub ret: &'static str,
    /// First library version that has it; empty where no vendor text says.
    pub since: &'static str,
    /// Whether it needs a session with order routing (`DLLInitializeLogin`).
    pub routing: bool,
    /// Standing.
    pub status: Status,
    /// What it does.
    pub doc: &'static str,
}

/// How the values of a set of codes combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeKind {
    /// One of them.
    Enum,
    /// Any of them, or'ed.
    Flags,
}

/// Codes that belong together.
#[derive(Debug, Clone, Copy)]
pub struct CodeSet {
    /// Name of the set.
    pub name: &'static str,
    /// One value or a combination.
    pub kind: CodeKind,
    /// Where it occurs.
    pub doc: &'static str,
    /// Every code.
    pub codes: &'static [Code],
}

/// Name and meaning of a value in a set.
#[must_use]
pub fn find(codes: &'static [Code], value: i64) -> Option<&'static Code> {
    codes.iter().find(|code| code.value == value)
}

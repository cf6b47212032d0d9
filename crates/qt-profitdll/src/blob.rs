//! The arrays of a full book, and the result of the legacy `GetPosition`: packed little-endian blobs.
//!
//! A header of two `i32`, entry count and total bytes, then the entries; the offer book ends in a `u32` of flags
//! (`OfferBookFlag`), which older libraries leave out. Entries run from the worst offer to the best. Decoding checks
//! every length before it is used, allocates nothing and never panics.

#![allow(unsafe_code)] // a slice over the library's memory; the block says why it is sound

use std::ffi::c_void;

/// Bytes of the header.
pub const HEADER: usize = 8;

/// Largest blob that is believed: two million offers.
pub const LIMIT: usize = 128 << 20;

/// Length of the date text `dd/mm/yyyy HH:mm:ss.zzz`.
pub const DATE: usize = 23;

/// Why a blob cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobError {
    /// There is none.
    #[error("the blob is NULL")]
    Null,
    /// The header contradicts itself.
    #[error("the blob's header is not one: {entries} entries in {total} bytes")]
    Header {
        /// Entry count in the header.
        entries: i32,
        /// Total bytes in the header.
        total: i32,
    },
    /// The blob ends inside an entry or the header.
    #[error("the blob ends in entry {entry}: {needed} bytes are needed, it has {len}")]
    Truncated {
        /// Index of the entry, from 0.
        entry: usize,
        /// Bytes up to the end of what was being read.
        needed: usize,
        /// Bytes of the blob.
        len: usize,
    },
}

/// Version of a book callback, which is that of its blobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 32-bit quantities.
    V1,
    /// 64-bit quantities.
    V2,
}

/// Bytes of the blob at `blob`, as many as its header says.
///
/// # Errors
/// [`BlobError::Null`], or [`BlobError::Header`] when the header's numbers are impossible or above [`LIMIT`].
///
/// # Safety
/// `blob` is NULL or a blob of the library, not yet freed, and stays so while the slice lives.
pub unsafe fn bytes<'a>(blob: *const c_void) -> Result<&'a [u8], BlobError> {
    if blob.is_null() {
        return Err(BlobError::Null);
    }
    let start = blob.cast::<u8>();
    // SAFETY: a blob has a header, says the caller.
    let (_, total) = header(unsafe { std::slice::from_raw_parts(start, HEADER) })?;
    // SAFETY: the header's total is the blob's length, and bounded.
    Ok(unsafe { std::slice::from_raw_parts(start, total) })
}

/// Entry count and total bytes.
fn header(blob: &[u8]) -> Result<(usize, usize), BlobError> {
    let mut at = Reader { blob, at: 0, entry: 0 };
    let (entries, total) = (at.i32()?, at.i32()?);
    match (usize::try_from(entries), usize::try_from(total)) {
        (Ok(n), Ok(bytes)) if (HEADER..=LIMIT).contains(&bytes) && n <= bytes => Ok((n, bytes)),
        _ => Err(BlobError::Header { entries, total }),
    }
}

/// A cursor that knows which entry it is in.
struct Reader<'a> {
    blob: &'a [u8],
    at: usize,
    entry: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, n: usize) -> Result<&'a [u8], BlobError> {
        let needed = self.at + n;
        let taken = self.blob.get(self.at..needed).ok_or(BlobError::Truncated {
            entry: self.entry,
            needed,
            len: self.blob.len(),
        })?;
        self.at = needed;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BlobError> {
        let mut out = [0; N];
        out.copy_from_slice(self.bytes(N)?);
        Ok(out)
    }

    fn i32(&mut self) -> Result<i32, BlobError> {
        self.array().map(i32::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64, BlobError> {
        self.array().map(i64::from_le_bytes)
    }

    fn f64(&mut self) -> Result<f64, BlobError> {
        self.array().map(f64::from_le_bytes)
    }

    /// Text behind its 16-bit length.
    fn text(&mut self) -> Result<&'a [u8], BlobError> {
        let length = self.array().map(u16::from_le_bytes)?;
        self.bytes(usize::from(length))
    }

    fn quantity(&mut self, version: Version) -> Result<i64, BlobError> {
        match version {
            Version::V1 => self.i32().map(i64::from),
            Version::V2 => self.i64(),
        }
    }
}

/// The blob cut to its own length, with its entry count.
fn open(blob: &[u8]) -> Result<(usize, &[u8]), BlobError> {
    let (entries, total) = header(blob)?;
    let own =
        blob.get(..total).ok_or(BlobError::Truncated { entry: entries, needed: total, len: blob.len() })?;
    Ok((entries, own))
}

/// One offer of a full offer book.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Offer<'a> {
    /// Price.
    pub price: f64,
    /// Contracts.
    pub qty: i64,
    /// Broker.
    pub agent: i32,
    /// The exchange's id of the order.
    pub offer_id: i64,
    /// Time of the offer: text in 8 bits, see [`crate::time::parse`].
    pub date: &'a [u8],
}

impl<'a> Offer<'a> {
    fn read(from: &mut Reader<'a>, version: Version) -> Result<Self, BlobError> {
        Ok(Self {
            price: from.f64()?,
            qty: from.quantity(version)?,
            agent: from.i32()?,
            offer_id: from.i64()?,
            date: from.text()?,
        })
    }
}

/// One side of a full offer book: its offers from the worst to the best, checked to be all there.
#[derive(Debug, Clone, Copy)]
pub struct Offers<'a> {
    blob: &'a [u8],
    version: Version,
    entries: usize,
    flags: Option<u32>,
}

impl<'a> Offers<'a> {
    /// Checks a blob of the offer book.
    ///
    /// # Errors
    /// [`BlobError`] when a length contradicts the bytes that are there.
    pub fn decode(blob: &'a [u8], version: Version) -> Result<Self, BlobError> {
        let (entries, blob) = open(blob)?;
        let mut reader = Reader { blob, at: HEADER, entry: 0 };
        while reader.entry < entries {
            Offer::read(&mut reader, version)?;
            reader.entry += 1;
        }
        let flags = reader.array().map(u32::from_le_bytes).ok();
        Ok(Self { blob, version, entries, flags })
    }

    /// Number of offers.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether the side is empty.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// Flags of `OfferBookFlag`; `None` from a library that sends none, which means one whole page.
    pub fn flags(&self) -> Option<u32> {
        self.flags
    }

    /// The offers, from the worst to the best.
    pub fn iter(&self) -> impl Iterator<Item = Offer<'a>> + use<'a> {
        let mut reader = Reader { blob: self.blob, at: HEADER, entry: 0 };
        let version = self.version;
        // `decode` has read them all: none is missing.
        (0..self.entries).map_while(move |_| Offer::read(&mut reader, version).ok())
    }
}

/// One price of a full price book.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// Price.
    pub price: f64,
    /// Contracts.
    pub qty: i64,
    /// Offers.
    pub count: u32,
}

/// The prices of a full price book, from the worst to the best.
///
/// # Errors
/// [`BlobError`] when a length contradicts the bytes that are there.
pub fn prices(blob: &[u8], version: Version) -> Result<impl Iterator<Item = Price> + '_, BlobError> {
    let stride = match version {
        Version::V1 => 16,
        Version::V2 => 20,
    };
    let (entries, blob) = open(blob)?;
    let needed = HEADER + entries * stride;
    if needed > blob.len() {
        return Err(BlobError::Truncated { entry: (blob.len() - HEADER) / stride, needed, len: blob.len() });
    }
    let mut reader = Reader { blob, at: HEADER, entry: 0 };
    Ok((0..entries).map_while(move |_| {
        Some(Price {
            price: reader.f64().ok()?,
            qty: reader.quantity(version).ok()?,
            count: reader.array().map(u32::from_le_bytes).ok()?,
        })
    }))
}

/// One position of the legacy `GetPosition`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position<'a> {
    /// Broker.
    pub broker: i32,
    /// Account, in 8 bits (see [`ansi`]).
    pub account: &'a [u8],
    /// Holder, in 8 bits.
    pub holder: &'a [u8],
    /// Ticker, in 8 bits.
    pub ticker: &'a [u8],
    /// Contracts of the day.
    pub intraday: i32,
    /// Price.
    pub price: f64,
    /// Average price of the day's sales.
    pub sell_price: f64,
    /// Contracts sold today.
    pub sell_qty: i32,
    /// Average price of the day's purchases.
    pub buy_price: f64,
    /// Contracts bought today.
    pub buy_qty: i32,
    /// Custody: D+1, D+2, D+3, blocked, pending, allocated, provisioned, quantity, available.
    pub custody: [i32; 9],
    /// 1 buy, 2 sell, 0 unknown.
    pub side: u8,
}

impl<'a> Position<'a> {
    fn read(from: &mut Reader<'a>) -> Result<Self, BlobError> {
        Ok(Self {
            broker: from.i32()?,
            account: from.text()?,
            holder: from.text()?,
            ticker: from.text()?,
            intraday: from.i32()?,
            price: from.f64()?,
            sell_price: from.f64()?,
            sell_qty: from.i32()?,
            buy_price: from.f64()?,
            buy_qty: from.i32()?,
            custody: {
                let mut custody = [0; 9];
                for n in &mut custody {
                    *n = from.i32()?;
                }
                custody
            },
            side: from.array::<1>()?[0],
        })
    }
}

/// The positions of a blob of `GetPosition`.
///
/// # Errors
/// [`BlobError`] when a length contradicts the bytes that are there.
pub fn positions(blob: &[u8]) -> Result<Vec<Position<'_>>, BlobError> {
    let (entries, blob) = open(blob)?;
    let mut reader = Reader { blob, at: HEADER, entry: 0 };
    let mut out = Vec::new();
    while reader.entry < entries {
        out.push(Position::read(&mut reader)?);
        reader.entry += 1;
    }
    Ok(out)
}

/// Text in the 8-bit code page of Windows in Brazil (1252).
pub fn ansi(bytes: &[u8]) -> String {
    const HIGH: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
        '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    bytes
        .iter()
        .map(|&b| if (0x80..0xA0).contains(&b) { HIGH[usize::from(b - 0x80)] } else { b as char })
        .collect()
}

/// Puts the header in front of what `fill` appends, and returns its number of entries.
fn enclose(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>) -> i32) {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER]);
    let entries = fill(out);
    let total = (out.len() - start) as i32;
    out[start..start + 4].copy_from_slice(&entries.to_le_bytes());
    out[start + 4..start + 8].copy_from_slice(&total.to_le_bytes());
}

/// A quantity as V1 has room for it: the nearest 32-bit number.
fn narrow(qty: i64) -> i32 {
    qty.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

fn put_quantity(out: &mut Vec<u8>, qty: i64, version: Version) {
    match version {
        Version::V1 => out.extend_from_slice(&narrow(qty).to_le_bytes()),
        Version::V2 => out.extend_from_slice(&qty.to_le_bytes()),
    }
}

/// Text behind its 16-bit length; what is longer is cut off.
fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    let text = &text[..text.len().min(usize::from(u16::MAX))];
    out.extend_from_slice(&(text.len() as u16).to_le_bytes());
    out.extend_from_slice(text);
}

/// Appends a blob of the offer book, offers from the worst to the best; without `flags`, as an older library sends it.
pub fn encode_offers<'a>(
    out: &mut Vec<u8>,
    version: Version,
    offers: impl IntoIterator<Item = Offer<'a>>,
    flags: Option<u32>,
) {
    enclose(out, |out| {
        let mut entries = 0;
        for offer in offers {
            out.extend_from_slice(&offer.price.to_le_bytes());
            put_quantity(out, offer.qty, version);
            out.extend_from_slice(&offer.agent.to_le_bytes());
            out.extend_from_slice(&offer.offer_id.to_le_bytes());
            put_text(out, offer.date);
            entries += 1;
        }
        if let Some(flags) = flags {
            out.extend_from_slice(&flags.to_le_bytes());
        }
        entries
    });
}

/// Appends a blob of the price book, prices from the worst to the best.
pub fn encode_prices(out: &mut Vec<u8>, version: Version, prices: impl IntoIterator<Item = Price>) {
    enclose(out, |out| {
        let mut entries = 0;
        for price in prices {
            out.extend_from_slice(&price.price.to_le_bytes());
            put_quantity(out, price.qty, version);
            out.extend_from_slice(&price.count.to_le_bytes());
            entries += 1;
        }
        entries
    });
}

/// Appends a blob of `GetPosition`.
pub fn encode_positions<'a>(out: &mut Vec<u8>, positions: impl IntoIterator<Item = Position<'a>>) {
    enclose(out, |out| {
        let mut entries = 0;
        for p in positions {
            out.extend_from_slice(&p.broker.to_le_bytes());
            for text in [p.account, p.holder, p.ticker] {
                put_text(out, text);
            }
            out.extend_from_slice(&p.intraday.to_le_bytes());
            out.extend_from_slice(&p.price.to_le_bytes());
            out.extend_from_slice(&p.sell_price.to_le_bytes());
            out.extend_from_slice(&p.sell_qty.to_le_bytes());
            out.extend_from_slice(&p.buy_price.to_le_bytes());
            out.extend_from_slice(&p.buy_qty.to_le_bytes());
            for n in p.custody {
                out.extend_from_slice(&n.to_le_bytes());
            }
            out.push(p.side);
            entries += 1;
        }
        entries
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DATE_TEXT: &[u8] = b"11/09/2026 10:00:00.123";

    fn offer(price: f64, qty: i64) -> Offer<'static> {
        Offer { price, qty, agent: 3, offer_id: 77, date: DATE_TEXT }
    }

    fn offers_blob(version: Version, offers: &[Offer<'_>], flags: Option<u32>) -> Vec<u8> {
        let mut out = Vec::new();
        encode_offers(&mut out, version, offers.iter().copied(), flags);
        out
    }

    #[test]
    fn an_offer_of_v2_has_the_published_offsets() {
        let blob = offers_blob(Version::V2, &[offer(5432.5, 10)], Some(3));
        assert_eq!(blob.len(), 8 + 53 + 4);
        assert_eq!(blob[..8], [1, 0, 0, 0, 65, 0, 0, 0]);
        let entry = &blob[8..];
        assert_eq!(entry[..8], 5432.5_f64.to_le_bytes());
        assert_eq!(entry[8..16], 10_i64.to_le_bytes());
        assert_eq!(entry[16..20], 3_i32.to_le_bytes());
        assert_eq!(entry[20..28], 77_i64.to_le_bytes());
        assert_eq!(entry[28..30], 23_u16.to_le_bytes());
        assert_eq!(&entry[30..53], DATE_TEXT);
        assert_eq!(entry[53..], 3_u32.to_le_bytes());
    }

    #[test]
    fn an_offer_of_v1_has_the_published_offsets() {
        let blob = offers_blob(Version::V1, &[offer(5432.5, i64::MAX)], None);
        assert_eq!(blob.len(), 8 + 49);
        let entry = &blob[8..];
        assert_eq!(entry[8..12], i32::MAX.to_le_bytes());
        assert_eq!(entry[12..16], 3_i32.to_le_bytes());
        assert_eq!(entry[16..24], 77_i64.to_le_bytes());
        assert_eq!(entry[24..26], 23_u16.to_le_bytes());
        assert_eq!(&entry[26..49], DATE_TEXT);
    }

    #[test]
    fn price_books_have_strides_of_16_and_20_bytes() {
        for (version, stride) in [(Version::V1, 16), (Version::V2, 20)] {
            let book = [Price { price: 1.0, qty: 2, count: 3 }, Price { price: 2.0, qty: -4, count: 5 }];
            let mut blob = Vec::new();
            encode_prices(&mut blob, version, book);
            assert_eq!(blob.len(), 8 + 2 * stride);
            assert_eq!(blob[8 + stride - 4..8 + stride], 3_u32.to_le_bytes());
            assert!(prices(&blob, version).unwrap().eq(book));
            let cut = &mut blob[..=8 + stride];
            cut[4] = 8 + stride as u8 + 1;
            let error = prices(cut, version).err();
            assert!(matches!(error, Some(BlobError::Truncated { entry: 1, .. })), "{error:?}");
        }
    }

    #[test]
    fn dates_of_other_lengths_do_not_shift_the_rest() {
        let odd = [
            Offer { date: b"", ..offer(1.0, 1) },
            Offer { date: b"11/09/2026", ..offer(2.0, 2) },
            offer(3.0, 3),
        ];
        let blob = offers_blob(Version::V2, &odd, Some(1));
        let decoded = Offers::decode(&blob, Version::V2).unwrap();
        assert!(decoded.iter().eq(odd));
        assert_eq!((decoded.len(), decoded.flags()), (3, Some(1)));
    }

    #[test]
    fn an_empty_side_and_a_missing_trailer_are_read() {
        let blob = offers_blob(Version::V2, &[], Some(2));
        let decoded = Offers::decode(&blob, Version::V2).unwrap();
        assert!(decoded.is_empty() && decoded.flags() == Some(2));
        let old = offers_blob(Version::V2, &[offer(1.0, 1)], None);
        assert_eq!(Offers::decode(&old, Version::V2).unwrap().flags(), None);
    }

    #[test]
    fn impossible_headers_are_refused() {
        for (entries, total) in [(-1, 100), (1, 7), (0, -8), (1000, 100), (0, i32::MAX)] {
            let mut blob = [i32::to_le_bytes(entries), i32::to_le_bytes(total)].concat();
            blob.resize(200, 0);
            let error = Offers::decode(&blob, Version::V2).err();
            assert_eq!(error, Some(BlobError::Header { entries, total }));
        }
        let short = [i32::to_le_bytes(1), i32::to_le_bytes(100)].concat();
        assert!(matches!(
            Offers::decode(&short, Version::V2),
            Err(BlobError::Truncated { needed: 100, len: 8, .. })
        ));
        assert!(matches!(Offers::decode(&[1, 0], Version::V1), Err(BlobError::Truncated { len: 2, .. })));
    }

    #[test]
    fn a_blob_in_memory_is_as_long_as_its_header_says() {
        let mut blob = offers_blob(Version::V2, &[offer(1.0, 1)], Some(3));
        let length = blob.len();
        blob.extend_from_slice(b"not of the blob");
        // SAFETY: the vector holds a whole blob and outlives the slice.
        assert_eq!(unsafe { bytes(blob.as_ptr().cast()) }.unwrap().len(), length);
        // SAFETY: NULL is allowed.
        assert_eq!(unsafe { bytes(std::ptr::null()) }, Err(BlobError::Null));
    }

    fn position(account: &[u8]) -> Position<'_> {
        Position {
            broker: 32_003,
            account,
            holder: b"Jo\xE3o",
            ticker: b"WDOV26",
            intraday: 1,
            price: 2.0,
            sell_price: 3.0,
            sell_qty: 4,
            buy_price: 5.0,
            buy_qty: 6,
            custody: [7, 8, 9, 10, 11, 12, 13, 14, 15],
            side: 1,
        }
    }

    #[test]
    fn positions_round_trip() {
        let mut blob = Vec::new();
        encode_positions(&mut blob, [position(b"123"), position(b"")]);
        let fixed = 4 + 3 * 2 + 4 + 3 * 8 + 2 * 4 + 9 * 4 + 1;
        assert_eq!(blob.len(), 8 + 2 * fixed + 2 * (4 + 6) + 3);
        assert_eq!(positions(&blob).unwrap(), [position(b"123"), position(b"")]);
        assert_eq!(ansi(positions(&blob).unwrap()[0].holder), "João");
        assert_eq!(ansi(&[0x80, b'a', 0x9F]), "€aŸ");
    }

    proptest! {
        #[test]
        fn any_offers_round_trip(
            rows in prop::collection::vec((any::<i32>(), any::<i64>(), any::<i32>(), any::<i64>(), any::<Vec<u8>>()), 0..20),
            flags: Option<u32>,
        ) {
            let offers: Vec<Offer<'_>> = rows
                .iter()
                .map(|(p, qty, agent, id, date)| Offer {
                    price: f64::from(*p), qty: *qty, agent: *agent, offer_id: *id, date,
                })
                .collect();
            let blob = offers_blob(Version::V2, &offers, flags);
            let decoded = Offers::decode(&blob, Version::V2).unwrap();
            prop_assert!(decoded.iter().eq(offers.iter().copied()));
            prop_assert_eq!(decoded.flags(), flags);
        }

        #[test]
        fn no_bytes_panic(mut blob: Vec<u8>, entries in 0..40_i32, honest: bool) {
            if honest && blob.len() >= HEADER {
                let total = blob.len() as i32;
                blob[..4].copy_from_slice(&entries.to_le_bytes());
                blob[4..8].copy_from_slice(&total.to_le_bytes());
            }
            for version in [Version::V1, Version::V2] {
                if let Ok(offers) = Offers::decode(&blob, version) {
                    prop_assert_eq!(offers.iter().count(), offers.len());
                }
                let _ = prices(&blob, version).map(Iterator::count);
            }
            let _ = positions(&blob);
        }

        #[test]
        fn a_cut_blob_is_an_error(cut in 0..(8 + 2 * 53_usize)) {
            let whole = offers_blob(Version::V2, &[offer(1.0, 1), offer(2.0, 2)], Some(1));
            prop_assert!(Offers::decode(&whole[..cut], Version::V2).is_err());
        }
    }
}

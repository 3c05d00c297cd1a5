// Fixed-format timestamps: chrono's own parser and formatter cost more than the row fetch. Shared by raw and probe.
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use rusqlite::{
    Result, Row, ToSql,
    types::{FromSqlError, ToSqlOutput, ValueRef},
};

pub fn get_ts(r: &Row, i: usize) -> Result<NaiveDateTime> {
    let b = r.get_ref(i)?.as_bytes()?;
    let d = |o: usize, n: usize| b[o..o + n].iter().fold(0u32, |a, c| a * 10 + (*c as u32).wrapping_sub(48));
    (b.len() >= 19)
        .then(|| {
            NaiveDate::from_ymd_opt(d(0, 4) as i32, d(5, 2), d(8, 2))?.and_hms_opt(
                d(11, 2),
                d(14, 2),
                d(17, 2),
            )
        })
        .flatten()
        .ok_or_else(|| FromSqlError::InvalidType.into())
}
pub struct Put([u8; 19]);
pub fn put_ts(t: NaiveDateTime) -> Put {
    let mut b = *b"0000-00-00 00:00:00";
    let mut p = |o: usize, n: usize, mut v: u32| {
        for k in (o..o + n).rev() {
            b[k] = b'0' + (v % 10) as u8;
            v /= 10
        }
    };
    (
        p(0, 4, t.year() as u32),
        p(5, 2, t.month()),
        p(8, 2, t.day()),
        p(11, 2, t.hour()),
        p(14, 2, t.minute()),
        p(17, 2, t.second()),
    );
    Put(b)
}
impl ToSql for Put {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Text(&self.0)))
    }
}

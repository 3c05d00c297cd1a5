//! (under construction)

#![cfg_attr(not(test), expect(dead_code, reason = "the reader that uses it comes next"))]

mod address;
mod captions;
mod channel;
mod fields;
mod file_name;
mod info_json;
mod json;
mod media;
mod read;
mod walk;
